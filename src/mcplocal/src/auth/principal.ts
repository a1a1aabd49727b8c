/** Who is asking, as audit rows and logs may name them. */
export interface Principal {
  /** Name of the token; empty for a person without one. */
  name: string;
  project: string;
  /** Hex SHA-256 of the token, empty without one; sessions are bound to it. */
  sha: string;
  /** User who minted the token, or the person. */
  creator: string;
}

/** A principal with the credential that mcpd knows them by. Never logged, never sent anywhere but to mcpd. */
export interface Caller {
  readonly principal: Principal;
  readonly bearer: string | undefined;
}
