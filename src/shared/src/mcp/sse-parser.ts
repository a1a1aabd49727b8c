import { McpctlError } from "../errors.ts";
import { releaseMemory } from "./release-memory.ts";

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const SPACE = 0x20;
const COLON = 0x3a;
const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf]);
/** What is let go costs time all the same: comments, other fields, events that are no messages. */
const MAX_USELESS_BYTES = 262_144;
const MAX_ID_LENGTH = 1_024;
const NOTHING = Buffer.allocUnsafeSlow(0);
const LINE_END = Buffer.from("\n");

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
 * Bytes that are kept beyond the chunk that they came in, in memory of their own: a view would keep the whole chunk, and
 * a piece of each would cost far more than its bytes.
 */
class KeptBytes {
  #memory: Buffer = NOTHING;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  add(bytes: Buffer): void {
    const length = this.#length + bytes.length;
    if (length > this.#memory.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(length, 2 * this.#memory.length));
      this.#memory.copy(larger, 0, 0, this.#length);
      this.release();
      this.#memory = larger;
    }
    bytes.copy(this.#memory, this.#length);
    this.#length = length;
  }

  /** Lets the memory go at once: the garbage collector does not hurry for bytes outside of its heap. */
  release(): void {
    releaseMemory(this.#memory);
    this.#memory = NOTHING;
  }

  /** Hands the bytes over, and begins anew. */
  take(): Buffer {
    const bytes = this.#memory.subarray(0, this.#length);
    this.#memory = NOTHING;
    this.#length = 0;
    return bytes;
  }
}

/**
 * Reads a stream of server-sent events in pieces of any size, and keeps the data as bytes.
 *
 * @see WHATWG HTML, "Server-sent events", "Interpreting an event stream"
 */
export class SseParser {
  readonly #options: SseParserOptions;
  /** A line that has not ended. */
  readonly #line = new KeptBytes();
  /** Data of the event, but for its only line as long as that is a view of the chunk. */
  readonly #data = new KeptBytes();
  #viewed: Buffer | undefined;
  #hasData = false;
  #isChunkInUse = false;
  /** What has come since the last message and was let go. */
  #uselessBytes = 0;
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

  /** Bytes that wait for the rest of their event. */
  get keptBytes(): number {
    return this.#line.length + this.#data.length;
  }

  /** Gives up: what has come of an event is let go. Nothing may be pushed any more. */
  close(): void {
    this.#line.release();
    this.#data.release();
  }

  /**
   * @returns whether a message was a view of the chunk, so that its memory must be left alone.
   * @throws {McpctlError} `upstream-protocol` when an event is larger than allowed, or there is too much around it.
   */
  push(chunk: Buffer): boolean {
    this.#isChunkInUse = false;
    if (chunk.length === 0) return false;
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
    this.#keepViewed();
    if (start < chunk.length) this.#keep(this.#line, chunk.subarray(start));
    return this.#isChunkInUse;
  }

  #endLine(last: Buffer): void {
    let whole = last;
    if (this.#line.length > 0) {
      this.#line.add(last);
      whole = this.#line.take();
    }
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
    const field = (colon < 0 ? line : line.subarray(0, colon)).toString("latin1");
    const valueAt = colon < 0 ? line.length : colon + (line[colon + 1] === SPACE ? 2 : 1);
    this.#countUseless(field === "data" ? valueAt : line.length + 1);
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

  #countUseless(bytes: number): void {
    this.#uselessBytes += bytes;
    if (this.#uselessBytes > MAX_USELESS_BYTES) throw tooLarge(MAX_USELESS_BYTES);
  }

  #keep(where: KeptBytes, bytes: Buffer): void {
    const { maxEventBytes } = this.#options;
    if (this.keptBytes + bytes.length > maxEventBytes) throw tooLarge(maxEventBytes);
    where.add(bytes);
  }

  #addData(value: Buffer): void {
    this.#keepViewed();
    if (this.#hasData) {
      this.#keep(this.#data, LINE_END);
      this.#keep(this.#data, value);
    } else {
      this.#viewed = value;
    }
    this.#hasData = true;
  }

  #keepViewed(): void {
    if (this.#viewed) this.#keep(this.#data, this.#viewed);
    this.#viewed = undefined;
  }

  #dispatch(): void {
    const data = this.#viewed ?? this.#data.take();
    this.#isChunkInUse ||= this.#viewed !== undefined;
    const type = this.#eventType;
    const isMessage = data.length > 0 && (type === "" || type === "message");
    this.#viewed = undefined;
    this.#hasData = false;
    this.#eventType = "";
    if (!isMessage) {
      if (data.length > 0) this.#options.onOther?.(type, data);
      return this.#countUseless(data.length + 1);
    }
    this.#uselessBytes = 0;
    this.#options.onMessage(data);
  }
}

function tooLarge(bytes: number): McpctlError {
  return new McpctlError("upstream-protocol", `The server sent more than ${bytes} bytes without a message`);
}
