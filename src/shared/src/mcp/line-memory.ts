/** Shorter lines are left to the garbage collector. */
const MIN_KEPT_BYTES = 32 * 1024;
const MAX_KEPT_BYTES = 2 * 1024 * 1024;
/** Lines of nearly the same length fit into the same memory. */
const STEP_BYTES = 16 * 1024;

/** Memory for the lines of a connection that come in several chunks. */
export interface LineMemory {
  /** @returns at least so many bytes, whatever they hold. */
  take(bytes: number): Uint8Array;
  /**
   * Lets the next long line have the memory of this one. Every view of it is empty from then on, so that whoever still
   * has one never sees what comes later.
   */
  giveBack(line: Uint8Array): void;
}

/** In Node `Buffer`, whose bytes are searched much faster than those of a plain array. */
export interface BytesFactory {
  allocUnsafe(bytes: number): Uint8Array;
  /** Memory that is nobody else's. */
  allocUnsafeSlow(bytes: number): Uint8Array;
  from(memory: ArrayBuffer): Uint8Array;
}

/**
 * Keeps up to two megabytes that long lines have had for the next ones. Left to the garbage collector, it would make that
 * look through the whole heap several times in a second, and each line would go to pages that the system clears first.
 */
export function createLineMemory({ allocUnsafe, allocUnsafeSlow, from }: BytesFactory): LineMemory {
  const lent = new WeakSet<ArrayBufferLike>();
  const kept: ArrayBuffer[] = [];
  let keptBytes = 0;

  function find(bytes: number): Uint8Array | undefined {
    const at = kept.findIndex(({ byteLength }) => byteLength >= bytes);
    const [found] = at < 0 ? [] : kept.splice(at, 1);
    keptBytes -= found?.byteLength ?? 0;
    return found && from(found);
  }

  return {
    take(bytes) {
      if (bytes < MIN_KEPT_BYTES) return allocUnsafe(bytes);
      const line = find(bytes) ?? allocUnsafeSlow(Math.ceil(bytes / STEP_BYTES) * STEP_BYTES);
      lent.add(line.buffer);
      return line;
    },
    giveBack({ buffer }) {
      const { byteLength } = buffer;
      if (keptBytes + byteLength > MAX_KEPT_BYTES || !lent.delete(buffer) || !(buffer instanceof ArrayBuffer)) return;
      kept.push(buffer.transfer());
      keptBytes += byteLength;
    },
  };
}
