const ATTEMPTS = 20;

/**
 * Reads and writes again while somebody else has written in between, as every client must: mcpd itself writes the status
 * of a server some moments after it was made.
 */
export async function untilUncontested<T extends { status: number }>(readAndWrite: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    const answer = await readAndWrite();
    if (answer.status !== 409 || attempt === ATTEMPTS) return answer;
  }
}
