/** Where word of a resource comes from. */
export interface ResourceTeller {
  /** Begins to tell of a resource. @returns a function that ends it. */
  subscribe(uri: string): () => void;
}

/** Interests in resources. They outlive the connections over which word of them comes. */
export class ResourceInterests implements ResourceTeller {
  readonly #counts = new Map<string, number>();
  readonly #ends = new Map<string, () => void>();
  #teller: ResourceTeller | undefined;

  get uris(): string[] {
    return [...this.#counts.keys()];
  }

  subscribe(uri: string): () => void {
    const count = this.#counts.get(uri) ?? 0;
    this.#counts.set(uri, count + 1);
    if (count === 0) this.#begin(uri);
    let isEnded = false;
    return () => {
      if (!isEnded) this.#release(uri);
      isEnded = true;
    };
  }

  /** Takes all interests to another connection; undefined while there is none. */
  moveTo(teller: ResourceTeller | undefined): void {
    if (teller === this.#teller) return;
    // Both may lead to the same server, which then need not hear of it.
    const ends = [...this.#ends.values()];
    this.#ends.clear();
    this.#teller = teller;
    for (const uri of this.#counts.keys()) this.#begin(uri);
    for (const end of ends) end();
  }

  #begin(uri: string): void {
    if (this.#teller) this.#ends.set(uri, this.#teller.subscribe(uri));
  }

  #release(uri: string): void {
    const left = (this.#counts.get(uri) ?? 1) - 1;
    if (left > 0) {
      this.#counts.set(uri, left);
      return;
    }
    this.#counts.delete(uri);
    this.#ends.get(uri)?.();
    this.#ends.delete(uri);
  }
}
