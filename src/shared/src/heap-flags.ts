/**
 * For `v8.setFlagsFromString` at the start of a program that passes results on. V8 takes their buffers for growth of the
 * heap and marks all of it every few dozen large results, which costs more than passing them on; with this it waits
 * until the heap is four times what it was.
 */
export const HEAP_FLAGS = "--heap-growing-percent=300";
