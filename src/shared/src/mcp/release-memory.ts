/** Less is not worth it. */
const MIN_RELEASED_BYTES = 16 * 1024;

/**
 * Gives memory back at once that a whole `ArrayBuffer` of its own holds; every view of it is empty from then on. Left to
 * the garbage collector, the memory of long lines would make it look through the whole heap a hundred times in a second.
 */
export function releaseMemory({ buffer, length }: Uint8Array): void {
  const isWhole = length >= MIN_RELEASED_BYTES && length === buffer.byteLength;
  if (isWhole && buffer instanceof ArrayBuffer) buffer.transfer(0);
}
