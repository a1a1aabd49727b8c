import { McpctlError } from "@mcpctl/shared/errors.ts";

/** The library's algorithm is Argon2id. @see OWASP Password Storage Cheat Sheet: 19 MiB, 2 passes, 1 lane. */
const PARAMETERS = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };
const MAX_AT_ONCE = 2;
/** At about 30 ms each, who waits behind more than these has given up. */
const MAX_WAITING = 100;

export interface PasswordHasher {
  /** @returns a PHC string. */
  hash(password: string): Promise<string>;
  /** Does the same work when there is no hash, so that the time does not tell whether a user exists. */
  verify(phc: string | undefined, password: string): Promise<boolean>;
}

/** Hashes with argon2id, a few at a time: each one takes 19 MiB, and logins come from anybody. */
export function createPasswordHasher(): PasswordHasher {
  const limit = createLimiter(MAX_AT_ONCE);
  let decoy: Promise<string> | undefined;
  return {
    hash: (password) => limit(async () => (await loadArgon2()).hash(password, PARAMETERS)),
    verify: (phc, password) =>
      limit(async () => {
        const { hash, verify } = await loadArgon2();
        decoy ??= hash("no user has this password", PARAMETERS);
        const isRight = await verify(phc ?? (await decoy), password);
        return phc !== undefined && isRight;
      }),
  };
}

/** When the first password comes: most starts see none. */
function loadArgon2() {
  return import("@node-rs/argon2");
}

function createLimiter(max: number) {
  const waiting: (() => void)[] = [];
  let running = 0;
  return async <T>(work: () => Promise<T>): Promise<T> => {
    if (waiting.length >= MAX_WAITING) {
      throw new McpctlError("too-many-requests", "Too many logins at once", { hint: "Try again in a moment" });
    }
    while (running >= max) await new Promise<void>((resolve) => waiting.push(resolve));
    running += 1;
    try {
      return await work();
    } finally {
      running -= 1;
      waiting.shift()?.();
    }
  };
}
