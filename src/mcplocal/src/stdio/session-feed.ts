import { LIST_KINDS, type ListKind } from "@mcpctl/shared/mcp/upstream.ts";
import type { Project } from "../projects/project.ts";
import { ALL_LIST_MESSAGES, updateMessage } from "../protocol/change-messages.ts";
import type { Session } from "../sessions/session-table.ts";

/** Tells a client with a session, unasked, what has changed in its project. */
export class SessionFeed {
  readonly #session: Session;
  readonly #send: (message: Uint8Array) => void;
  #project: Project | undefined;
  #stop = (): void => {};

  constructor(session: Session, send: (message: Uint8Array) => void) {
    this.#session = session;
    this.#send = send;
  }

  /** Listens to whatever stands for the project now: one that was gone for a while comes back as another. */
  follow(project: Project): void {
    if (project === this.#project) return;
    this.end();
    this.#project = project;
    const { subscriptions, listedDigests } = this.#session;
    this.#stop = project.listen({
      changed: (kind) => this.#tell(kind),
      updated: (uri) => {
        if (subscriptions.has(uri)) this.#send(updateMessage(uri));
      },
      closed: () => (this.#project = undefined),
    });
    for (const [uri, end] of subscriptions) {
      end();
      subscriptions.set(uri, project.subscribe(uri));
    }
    const { digests } = project.view();
    for (const kind of LIST_KINDS) {
      const listed = listedDigests[kind];
      if (listed !== undefined && listed !== digests[kind]) this.#tell(kind);
    }
  }

  end(): void {
    this.#stop();
    this.#project = undefined;
  }

  #tell(kind: ListKind): void {
    const message = ALL_LIST_MESSAGES[kind];
    if (message) this.#send(message);
  }
}
