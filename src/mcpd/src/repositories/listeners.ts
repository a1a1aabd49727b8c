/** Callbacks for those who wait for commits. A callback must not throw. */
export function createListeners() {
  const entries = new Set<() => void>();
  return {
    /** @returns what takes it out again; one that is added twice counts twice. */
    add(listener: () => void): () => void {
      const entry = () => listener();
      entries.add(entry);
      return () => void entries.delete(entry);
    },
    announce(): void {
      for (const entry of entries) entry();
    },
  };
}
