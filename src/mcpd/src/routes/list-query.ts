import { McpctlError } from "@mcpctl/shared/errors.ts";
import type { Resource } from "@mcpctl/shared/kinds/kind.ts";
import * as z from "zod";

const place = z.tuple([z.string(), z.string()]);

/** Parses `a=b,c=d`. @throws {McpctlError} `bad-request` */
export function parseLabelSelector(selector: string | undefined): Record<string, string> | undefined {
  if (selector === undefined || selector.trim() === "") return undefined;
  return Object.fromEntries(
    selector.split(",").map((term) => {
      const [, key, value] = /^\s*([A-Za-z0-9./_-]+)\s*==?\s*([A-Za-z0-9._-]*)\s*$/.exec(term) ?? [];
      if (key !== undefined && value !== undefined) return [key, value];
      throw new McpctlError("bad-request", `Label selector term "${term}" is not understood`, {
        hint: "Write key=value",
      });
    }),
  );
}

/** Where a page ended, opaque to clients. */
export function encodeContinue({ metadata }: Resource): string {
  return Buffer.from(JSON.stringify([metadata.project ?? "", metadata.name])).toString("base64url");
}

/** @throws {McpctlError} `bad-request` */
export function decodeContinue(token: string | undefined): { project: string; name: string } | undefined {
  if (token === undefined) return undefined;
  try {
    const [project, name] = place.parse(JSON.parse(Buffer.from(token, "base64url").toString()));
    return { project, name };
  } catch (cause) {
    throw new McpctlError("bad-request", "The continue token is not one of this server", {
      hint: "List again without it",
      cause,
    });
  }
}
