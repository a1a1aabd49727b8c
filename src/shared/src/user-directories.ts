export interface Surroundings {
  env: Readonly<Record<string, string | undefined>>;
  /** Home directory of the user. */
  home: string;
}

/** Where the login and other settings of a user are. @see XDG Base Directory Specification */
export function configDirectory({ env, home }: Surroundings): string {
  return env["MCPCTL_CONFIG_DIR"] || `${env["XDG_CONFIG_HOME"] || `${home}/.config`}/mcpctl`;
}

/** Where the programs of a user keep what they need again, but nobody edits. */
export function stateDirectory({ env, home }: Surroundings): string {
  return env["MCPCTL_STATE_DIR"] || `${env["XDG_STATE_HOME"] || `${home}/.local/state`}/mcpctl`;
}
