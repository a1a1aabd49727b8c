import { McpctlError } from "../errors.ts";

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const SPACE = 0x20;
const COLON = 0x3a;
const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf]);
const NOTHING = Buffer.alloc(0);
/** Each line costs memory beyond its bytes, so their number is limited as well. */
const MAX_DATA_LINES = 100_000;
const MAX_ID_LENGTH = 1_024;

interface SseParserOptions {
  /** Called with the data of every event that is a message. */
  onMessage(data: Buffer): void;
  /** Takes the data of any other event that has a type. */
  onOther?(type: string, data: Buffer): void;
  /** Limit for one event, and for a line that has not ended. */
  maxEventBytes: number;
}

/** What a server said about going on with a stream that has ended. */
export interface Resumption {
  lastEventId: string;
  /** The pause that the server asks for. */
  retryMs: number | undefined;
}

/**
 * Reads a stream of server-sent events in pieces of any size, and keeps the data as bytes.
 *
 * @see WHATWG HTML, "Server-sent events", "Interpreting an event stream"
 */
export class SseParser {
  readonly #options: SseParserOptions;
  /** Pieces of a line that has not ended; only the newest piece is searched for its end. */
  #pieces: Buffer[] = [];
  #pieceBytes = 0;
  #data: Buffer[] = [];
  #dataBytes = 0;
  #eventType = "";
  #lastEventId: string | undefined;
  #retryMs: number | undefined;
  #isFirstLine = true;
  /** A carriage return ended the last line; a line feed behind it belongs to the same end. */
  #isAfterReturn = false;

  constructor(options: SseParserOptions) {
    this.#options = options;
  }

  /** Where the stream can be gone on with, and after what pause; undefined where it cannot. */
  get resumption(): Resumption | undefined {
    const lastEventId = this.#lastEventId;
    return lastEventId === undefined || lastEventId === "" ? undefined : { lastEventId, retryMs: this.#retryMs };
  }

  /** @throws {McpctlError} `upstream-protocol` when an event is larger than allowed. */
  push(chunk: Buffer): void {
    if (chunk.length === 0) return;
    let start = this.#isAfterReturn && chunk[0] === LINE_FEED ? 1 : 0;
    this.#isAfterReturn = false;
    let feed = chunk.indexOf(LINE_FEED, start);
    let carriage = chunk.indexOf(CARRIAGE_RETURN, start);
    while (feed >= 0 || carriage >= 0) {
      const isReturn = carriage >= 0 && (feed < 0 || carriage < feed);
      const end = isReturn ? carriage : feed;
      this.#endLine(chunk.subarray(start, end));
      start = end + 1;
      if (isReturn && start === chunk.length) this.#isAfterReturn = true;
      else if (isReturn && chunk[start] === LINE_FEED) start += 1;
      if (feed >= 0 && feed < start) feed = chunk.indexOf(LINE_FEED, start);
      if (carriage >= 0 && carriage < start) carriage = chunk.indexOf(CARRIAGE_RETURN, start);
    }
    if (start < chunk.length) this.#keepPiece(chunk.subarray(start));
  }

  #keepPiece(piece: Buffer): void {
    this.#pieces.push(piece);
    this.#pieceBytes += piece.length;
    this.#checkSize();
  }

  #endLine(last: Buffer): void {
    const whole = this.#pieces.length === 0 ? last : Buffer.concat([...this.#pieces, last]);
    this.#pieces = [];
    this.#pieceBytes = 0;
    const hasMark = this.#isFirstLine && whole.subarray(0, BYTE_ORDER_MARK.length).equals(BYTE_ORDER_MARK);
    this.#isFirstLine = false;
    this.#readLine(hasMark ? whole.subarray(BYTE_ORDER_MARK.length) : whole);
  }

  #readLine(line: Buffer): void {
    if (line.length === 0) {
      this.#dispatch();
      return;
    }
    const colon = line.indexOf(COLON);
    if (colon === 0) return;
    const field = (colon < 0 ? line : line.subarray(0, colon)).toString("latin1");
    const valueAt = colon < 0 ? line.length : colon + (line[colon + 1] === SPACE ? 2 : 1);
    if (field === "event") this.#eventType = line.toString("latin1", valueAt);
    if (field === "data") this.#addData(line.subarray(valueAt));
    if (field === "id") this.#setId(line.toString("utf8", valueAt));
    if (field === "retry") this.#setRetry(line.toString("latin1", valueAt));
  }

  #setId(id: string): void {
    if (!id.includes("\0") && id.length <= MAX_ID_LENGTH) this.#lastEventId = id;
  }

  #setRetry(text: string): void {
    if (/^\d{1,9}$/.test(text)) this.#retryMs = Number(text);
  }

  #checkSize(): void {
    const { maxEventBytes } = this.#options;
    if (this.#pieceBytes + this.#dataBytes <= maxEventBytes && this.#data.length <= MAX_DATA_LINES) return;
    throw new McpctlError("upstream-protocol", `The server sent an event of more than ${maxEventBytes} bytes`);
  }

  #addData(value: Buffer): void {
    this.#dataBytes += value.length + 1;
    this.#checkSize();
    this.#data.push(value);
  }

  #dispatch(): void {
    const [first = NOTHING, ...more] = this.#data;
    const [type, isEmpty] = [this.#eventType, this.#dataBytes <= 1];
    this.#data = [];
    this.#dataBytes = 0;
    this.#eventType = "";
    if (isEmpty) return;
    const lines = more.flatMap((line) => [Buffer.from("\n"), line]);
    const data = more.length === 0 ? first : Buffer.concat([first, ...lines]);
    if (type === "" || type === "message") this.#options.onMessage(data);
    else this.#options.onOther?.(type, data);
  }
}
