import { McpctlError } from "@mcpctl/shared/errors.ts";

const NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const VALUE = /^[\x20-\x7e\x80-\xff\t]*$/;

/** Header lines as they go over the wire, each with its line end; checked, so that no value can begin another line. */
export type HeaderBlock = string & { readonly isHeaderBlock: true };

/** @throws {McpctlError} `invalid` for a name or value that HTTP cannot carry. */
export function toHeaderBlock(headers: Readonly<Record<string, string>>): HeaderBlock {
  const lines = Object.entries(headers).map(([name, value]) => {
    if (NAME.test(name) && VALUE.test(value)) return `${name}: ${value}\r\n`;
    throw new McpctlError("invalid", `The header ${JSON.stringify(name)} cannot be sent`, {
      hint: "Header names are tokens, values hold printable characters of Latin-1",
    });
  });
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the brand says that the lines above were checked
  return lines.join("") as HeaderBlock;
}

export function joinHeaderBlocks(first: HeaderBlock, second: HeaderBlock): HeaderBlock {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- both were checked
  return (first + second) as HeaderBlock;
}
