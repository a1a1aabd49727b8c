import { Buffer } from "node:buffer";

const BEFORE = Buffer.from('{"events":[');
const AFTER = Buffer.from("]}");
const LINE_FEED = 0x0a;
const COMMA = 0x2c;

/**
 * Lines of the spool as the body of a `shipRequest`. One piece of memory serves all batches: the heap of a gateway grows
 * by what each batch would take anew, since it is collected seldom.
 */
export class ShipPage {
  readonly #memory: Buffer;

  /** @param bytes - most that the lines of a batch may have. */
  constructor(bytes: number) {
    this.#memory = Buffer.alloc(BEFORE.length + bytes + AFTER.length);
    BEFORE.copy(this.#memory);
  }

  /** Where the lines belong. */
  get lines(): Buffer {
    return this.#memory.subarray(BEFORE.length, -AFTER.length);
  }

  /**
   * @param bytes - how many bytes of lines there are, line feeds included; they become the separators.
   * @returns the body, valid until the next batch is read.
   */
  toBody(bytes: number): Buffer {
    const lines = this.lines.subarray(0, bytes - 1);
    for (let at = lines.indexOf(LINE_FEED); at >= 0; at = lines.indexOf(LINE_FEED, at + 1)) lines[at] = COMMA;
    const end = BEFORE.length + lines.length;
    AFTER.copy(this.#memory, end);
    return this.#memory.subarray(0, end + AFTER.length);
  }
}

/** The same for lines that had to be looked at one by one. */
export function toShipBody(lines: readonly string[]): Buffer {
  return Buffer.from(`${BEFORE.toString()}${lines.join(",")}${AFTER.toString()}`);
}
