/** What the main thread asks of the thread that runs the embedded database. Answered in order, by id. */
export type PgliteRequest = { id: number } & ({ sql: string; parameters: readonly unknown[] } | { close: true });

export interface PgliteAnswer {
  rows: unknown[];
  affectedRows: number | undefined;
  /** Completion tag, such as `COMMIT`, or `ROLLBACK` where a commit was not possible. */
  command: string | undefined;
}

/** A refusal of the database carries an SQLSTATE; what carries none is a fault of the request. */
export interface PgliteRefusal {
  message: string;
  sqlState?: string | undefined;
  constraint?: string | undefined;
}

export type PgliteReply =
  /** The cluster of a first start is being made without a prepared one, which takes seconds. */
  | { initializing: true }
  | { ready: true }
  | { cannotOpen: string }
  | { committed: true }
  | { id: number; answer: PgliteAnswer }
  | { id: number; refusal: PgliteRefusal };

export interface PgliteWorkerData {
  /** Undefined for a database in memory. */
  dataDir: string | undefined;
  /** Where a prepared cluster may lie; the first that can be used is. */
  preparedClusters: readonly string[];
  /** Where this process keeps compiled code; undefined where it keeps none. A thread does not inherit it. */
  compileCacheDir: string | undefined;
}
