import type {
  CodeFinish,
  CodeStart,
  DevicePolled,
  DeviceStarted,
  LoginMethods,
  OidcLogin,
} from "@mcpctl/shared/api/login-contracts.ts";
import { hasCode, McpctlError } from "@mcpctl/shared/errors.ts";
import type { OidcOptions } from "../oidc/oidc-settings.ts";
import type { OidcProvider, VouchedPerson, Waiting } from "../oidc/provider.ts";
import type { AuditService } from "./audit.service.ts";
import { createFailureCounter } from "./failure-counter.ts";
import { type LoginLimiter, networkOf, tooManyLogins } from "./login-limiter.ts";
import { openSession, type SessionLimits } from "./open-session.ts";
import type { OidcUsers } from "./oidc-users.ts";
import type { RequestContext } from "./request-context.ts";
import type { LoginOrigin } from "./session.service.ts";

interface OidcLoginDeps extends SessionLimits {
  /** Absent where no provider is configured. */
  oidc: { provider: OidcProvider; options: OidcOptions; users: OidcUsers } | undefined;
  audit: AuditService;
  limiter: LoginLimiter;
}

/** Each start makes the provider keep something, whoever it is that wants it. */
const DEVICE_STARTS = { free: 30, maxWaitSeconds: 60, forgetSeconds: 600 };
const MAX_AT_ONCE = 50;
const DEED = { verb: "login", resource: "sessions" };

export type OidcLoginService = ReturnType<typeof createOidcLoginService>;

/** Logins with an OpenID provider. mcpd is the provider's client; no token of the provider leaves mcpd. */
export function createOidcLoginService(deps: OidcLoginDeps) {
  const starts = createFailureCounter(DEVICE_STARTS);
  let running = 0;

  /** @throws {McpctlError} `not-found` where there is no provider, `too-many-requests`. */
  async function withProvider<T>(work: (oidc: NonNullable<OidcLoginDeps["oidc"]>) => Promise<T>): Promise<T> {
    const { oidc } = deps;
    if (!oidc) {
      throw new McpctlError("not-found", "This mcpd has no OpenID provider", {
        hint: "Log in with a password: mcpctl login --user NAME",
      });
    }
    if (running >= MAX_AT_ONCE) throw tooManyLogins("Too many logins are under way", 1);
    running += 1;
    try {
      return await work(oidc);
    } finally {
      running -= 1;
    }
  }

  function countStart(address: string): void {
    const [key, now] = [networkOf(address), performance.now()];
    const waitMs = starts.waitMs(key, now);
    if (waitMs > 0) throw tooManyLogins("Too many logins were begun", Math.ceil(waitMs / 1_000));
    starts.add(key, now);
  }

  /** The person's way in, from what the provider says to a session. */
  function finish<W extends Waiting>(origin: LoginOrigin, ask: (provider: OidcProvider) => Promise<VouchedPerson | W>) {
    return withProvider(({ provider, users }) =>
      deps.limiter.run({ address: origin.address }, async () => {
        const person = await recordRefusal(deps.audit, origin, ask(provider));
        return typeof person === "string" ? person : admit(deps, users, { person, origin });
      }),
    );
  }

  return {
    methods: (): LoginMethods => ({
      password: true,
      ...(deps.oidc && { oidc: { issuer: deps.oidc.options.issuer } }),
    }),

    startCode: (start: CodeStart): Promise<{ authorizationUrl: string }> =>
      withProvider(async ({ provider }) => ({ authorizationUrl: await provider.authorizationUrl(start) })),

    /** @throws {McpctlError} `unauthenticated`, `forbidden`, `too-many-requests`, `upstream-unavailable` */
    finishCode: (origin: LoginOrigin, answer: CodeFinish): Promise<OidcLogin> =>
      finish<never>(origin, (provider) => provider.exchangeCode(answer)),

    startDevice: ({ address }: LoginOrigin): Promise<DeviceStarted> =>
      withProvider(async ({ provider }) => {
        countStart(address);
        return provider.startDevice();
      }),

    async pollDevice(origin: LoginOrigin, deviceCode: string): Promise<DevicePolled> {
      const login = await finish(origin, (provider) => provider.pollDevice(deviceCode));
      return typeof login === "string"
        ? { isPending: true, isTooFast: login === "slow-down" }
        : { ...login, isPending: false };
    },
  };
}

async function recordRefusal<T>(audit: AuditService, { requestId }: LoginOrigin, asked: Promise<T>): Promise<T> {
  try {
    return await asked;
  } catch (thrown) {
    const principal = { kind: "User", name: "anonymous", groups: [] } as const;
    if (hasCode(thrown, "unauthenticated")) {
      await audit.recordDenial({ principal, requestId, decidedBy: thrown.message }, DEED);
    }
    throw thrown;
  }
}

interface Arrival {
  person: VouchedPerson;
  origin: LoginOrigin;
}

async function admit(deps: OidcLoginDeps, users: OidcUsers, { person, origin }: Arrival): Promise<OidcLogin> {
  const { requestId, address } = origin;
  const contextOf = (name: string): RequestContext => ({
    principal: { kind: "User", name, groups: [] },
    requestId,
    decidedBy: `identity ${person.subject} of ${person.issuer}`,
  });
  const { name } = await users.resolve(person).catch(async (thrown: unknown) => {
    if (hasCode(thrown, "forbidden")) {
      await deps.audit.recordDenial({ ...contextOf(person.subject), decidedBy: thrown.message }, DEED);
    }
    throw thrown;
  });
  // A refusal in here is recorded by the mutation itself.
  const session = await deps.audit.mutate(contextOf(name), DEED, async (repositories) =>
    openSession(repositories, await users.requireEnabled(repositories, person), { ...deps, method: "oidc", address }),
  );
  return { ...session, user: name };
}
