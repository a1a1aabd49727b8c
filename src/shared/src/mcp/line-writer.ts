const BATCH_BYTES = 16 * 1024;
/** A longer value goes out as it lies in memory: copying it costs more than handing over one piece more. */
const MAX_COPIED_BYTES = 4 * 1024;
/** UTF-8 has at most so many bytes for a UTF-16 unit. */
const BYTES_PER_UNIT = 3;
const LINE_FEED = 0x0a;
const NOTHING = new Uint8Array(0);

const encoder = new TextEncoder();

/** Where the lines go: a pipe or a socket, which has let go of a chunk when it calls back. */
export interface ByteSink {
  write(chunk: Uint8Array, onWritten: () => void): unknown;
  /** Between the two, chunks are gathered for one system call. */
  cork(): void;
  uncork(): void;
}

export interface LineWriterOptions {
  maxUnsentBytes: number;
  /** Runs the work when this turn of the event loop is over; in Node `setImmediate`. */
  defer(work: () => void): unknown;
  /** Runs it as soon as the present event has been dealt with; in Node `process.nextTick`. */
  deferBriefly(work: () => void): unknown;
  /** Whether more lines are likely to come in this turn, so that it pays to wait for its end; as after a turn of several. */
  isBusy(): boolean;
}

/** Gathers the lines of one turn of the event loop in one write: a system call costs more than a message. */
export class LineWriter {
  readonly #sink: ByteSink;
  readonly #options: LineWriterOptions;
  #batch: Uint8Array = NOTHING;
  #used = 0;
  /** A batch that has been written and can be filled again. */
  #spare: Uint8Array | undefined;
  /** What goes out before the batch. */
  #pieces: Uint8Array[] = [];
  #pieceBytes = 0;
  #inFlightBytes = 0;
  /** Whom to tell when the pieces have been sent. */
  #onSent: (() => void)[] = [];
  #isDeferred = false;
  /** Lines of this turn, and of the last one that had any. */
  #lines = 0;
  #linesBefore = 0;
  #sentBytes = 0;

  constructor(sink: ByteSink, options: LineWriterOptions) {
    this.#sink = sink;
    this.#options = options;
  }

  get unsentBytes(): number {
    return this.#inFlightBytes + this.#pieceBytes + this.#used;
  }

  get sentBytes(): number {
    return this.#sentBytes;
  }

  /**
   * Sends a line, made of a head and, where it has a value of bytes, that value and a tail of ASCII, with all others of
   * this turn.
   *
   * @param onSent - called when the bytes of the value are needed no longer.
   * @returns false, and sends nothing, when too much is unsent already.
   */
  write(head: string, value: Uint8Array = NOTHING, tail = "", onSent?: () => void): boolean {
    const room = head.length * BYTES_PER_UNIT + tail.length + 1;
    if (value.length <= MAX_COPIED_BYTES && room + value.length <= BATCH_BYTES) {
      const isTaken = this.#append(head, value, tail);
      if (isTaken) onSent?.();
      return isTaken;
    }
    const encoded = encoder.encode(head);
    if (this.#isFull(encoded.length + value.length + tail.length + 1)) return false;
    this.#finishBatch();
    this.#add(encoded);
    if (value.length > 0) this.#add(value);
    if (onSent) this.#onSent.push(onSent);
    return this.#append(tail, NOTHING, "");
  }

  #append(head: string, value: Uint8Array, tail: string): boolean {
    const most = head.length * BYTES_PER_UNIT + value.length + tail.length + 1;
    if (this.#used + most > this.#batch.length) this.#renewBatch();
    const batch = this.#batch;
    let at = this.#used + encoder.encodeInto(head, batch.subarray(this.#used)).written;
    if (this.#isFull(at - this.#used + value.length + tail.length + 1)) return false;
    if (value.length > 0) batch.set(value, at);
    at += value.length;
    for (let unit = 0; unit < tail.length; unit += 1) batch[at++] = tail.charCodeAt(unit);
    batch[at++] = LINE_FEED;
    this.#used = at;
    this.#flushSoon();
    return true;
  }

  #isFull(bytes: number): boolean {
    return this.unsentBytes + bytes > this.#options.maxUnsentBytes;
  }

  #add(piece: Uint8Array): void {
    this.#pieces.push(piece);
    this.#pieceBytes += piece.length;
  }

  /** Moves what is in the batch before what comes next; the rest of its room is filled later. */
  #finishBatch(): void {
    if (this.#used === 0) return;
    this.#add(this.#batch.subarray(0, this.#used));
    this.#batch = this.#batch.subarray(this.#used);
    this.#used = 0;
  }

  #renewBatch(): void {
    this.#finishBatch();
    this.#batch = this.#spare ?? new Uint8Array(BATCH_BYTES);
    this.#spare = undefined;
  }

  #flushSoon(): void {
    this.#lines += 1;
    if (this.#isDeferred) return;
    this.#isDeferred = true;
    const { defer, deferBriefly, isBusy } = this.#options;
    if (isBusy() || this.#linesBefore > 1) defer(this.#flush);
    else deferBriefly(this.#flush);
  }

  /** Sends what has been gathered without waiting for the end of the turn. */
  flush(): void {
    this.#flush();
  }

  readonly #flush = (): void => {
    this.#isDeferred = false;
    this.#linesBefore = this.#lines;
    this.#lines = 0;
    if (this.unsentBytes === this.#inFlightBytes) return;
    const whole = this.#batch;
    this.#finishBatch();
    const [pieces, bytes, onSent] = [this.#pieces, this.#pieceBytes, this.#onSent];
    this.#pieces = [];
    if (onSent.length > 0) this.#onSent = [];
    this.#pieceBytes = 0;
    this.#inFlightBytes += bytes;
    this.#batch = NOTHING;
    const onWritten = (): void => {
      this.#inFlightBytes -= bytes;
      this.#sentBytes += bytes;
      if (whole.length === BATCH_BYTES) this.#spare = whole;
      for (const tell of onSent) tell();
    };
    this.#send(pieces, onWritten);
  };

  #send(pieces: readonly Uint8Array[], onWritten: () => void): void {
    const last = pieces.length - 1;
    if (last > 0) this.#sink.cork();
    pieces.forEach((piece, index) => this.#sink.write(piece, index === last ? onWritten : ignore));
    if (last > 0) this.#sink.uncork();
  }
}

function ignore(): void {}
