import type { Config } from "../config.ts";
import type { Database } from "../repositories/interfaces.ts";
import type { AuditService } from "../services/audit.service.ts";
import type { LoginLimiter } from "../services/login-limiter.ts";
import { createOidcLoginService, type OidcLoginService } from "../services/oidc-login.service.ts";
import { createOidcUsers } from "../services/oidc-users.ts";
import type { SessionLimits } from "../services/open-session.ts";
import type { ResourceService } from "../services/resource.service.ts";
import { toOidcOptions } from "./oidc-settings.ts";
import { createOidcProvider } from "./provider.ts";

interface ConfiguredLoginsDeps extends SessionLimits {
  database: Pick<Database, "read">;
  audit: AuditService;
  limiter: LoginLimiter;
  resources: ResourceService;
  config: Config;
}

/** @throws {McpctlError} `config-invalid` when the settings of the provider do not go together. */
export function createOidcLogins({ config, ...deps }: ConfiguredLoginsDeps): OidcLoginService {
  const options = toOidcOptions(config);
  const oidc = options && {
    options,
    provider: createOidcProvider(options),
    users: createOidcUsers({ ...deps, options }),
  };
  return createOidcLoginService({ ...deps, oidc });
}
