/** The part of a logger that the gateway uses. Fields never hold a token, an argument or a result. */
export interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}
