import { McpctlError } from "./errors.ts";

const MIB = 1_048_576;

interface LoadBounds {
  requestsPerCaller: number;
  bodyBytesPerCaller: number;
  bodyBytes: number;
}

const BOUNDS: LoadBounds = { requestsPerCaller: 1_024, bodyBytesPerCaller: 64 * MIB, bodyBytes: 256 * MIB };

/** What the requests of one caller hold at the moment. */
interface Share {
  requests: number;
  bodyBytes: number;
}

/** What one request holds from its body on until it is answered. */
export interface RequestLoad {
  /** @returns false when so much more of a body is too much, beside those of all others. */
  take(bytes: number): boolean;
  end(): void;
}

/** Bounds what clients can have under way at a time, so that one of them cannot take everything. */
export class RequestLoads {
  readonly #bounds: LoadBounds;
  readonly #shares = new Map<string, Share>();
  #requests = 0;
  #bodyBytes = 0;

  constructor(bounds: Partial<LoadBounds> = {}) {
    this.#bounds = { ...BOUNDS, ...bounds };
  }

  get requests(): number {
    return this.#requests;
  }

  get bodyBytes(): number {
    return this.#bodyBytes;
  }

  /** @throws {McpctlError} `too-many-requests` */
  begin(caller: string): RequestLoad {
    const share = this.#shares.get(caller) ?? { requests: 0, bodyBytes: 0 };
    if (share.requests >= this.#bounds.requestsPerCaller) throw tooMany(share.requests);
    if (share.requests === 0) this.#shares.set(caller, share);
    share.requests += 1;
    this.#requests += 1;
    let held = 0;
    return {
      take: (bytes) => {
        held += bytes;
        share.bodyBytes += bytes;
        this.#bodyBytes += bytes;
        return share.bodyBytes <= this.#bounds.bodyBytesPerCaller && this.#bodyBytes <= this.#bounds.bodyBytes;
      },
      end: () => {
        share.requests -= 1;
        share.bodyBytes -= held;
        this.#requests -= 1;
        this.#bodyBytes -= held;
        if (share.requests === 0) this.#shares.delete(caller);
      },
    };
  }
}

/** Why a body is not read when `take` says no. */
export function tooManyBodies(): McpctlError {
  return new McpctlError("unavailable", "Too many large requests are being read", { hint: "Try again in a moment" });
}

function tooMany(requests: number): McpctlError {
  return new McpctlError("too-many-requests", `This caller has ${requests} requests under way already`, {
    hint: "Wait for answers before sending more",
  });
}
