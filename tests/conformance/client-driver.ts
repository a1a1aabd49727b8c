import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { json } from "node:stream/consumers";
import { type ClientTask, clientTask } from "./client-task.ts";
import type { RunningGateway } from "./gateway.ts";
import { useEverything } from "./use-everything.ts";

export interface ClientDriver extends AsyncDisposable {
  /** What the suite calls a client: it plays each scenario through the gateway, with the scenario's server behind it. */
  command: string;
  /** What went wrong for clients so far; some scenarios want that. */
  errors: readonly string[];
}

/** Lets the suite's scenarios for clients find the gateway, which runs already, behind a command that it can start. */
export async function startClientDriver(gateway: RunningGateway): Promise<ClientDriver> {
  const errors: string[] = [];

  async function play(task: ClientTask): Promise<void> {
    const name = `${task.scenario}-${task.revision}`.replaceAll(/[^a-z0-9-]/g, "-");
    const endpoint = await gateway.expose(name, task.serverUrl);
    try {
      await useEverything(endpoint, task);
    } catch (error) {
      errors.push(`${name}: ${String(error)}`);
      throw error;
    } finally {
      // The scenario's server is gone soon, and the gateway would go on looking for it.
      await gateway.withdraw(name);
    }
  }

  const server = createServer((request, response) => {
    void json(request)
      .then((body) => play(clientTask.parse(body)))
      .then(
        () => response.writeHead(204).end(),
        (error: unknown) => response.writeHead(500).end(String(error)),
      );
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  return {
    errors,
    command: `"${process.execPath}" "${join(import.meta.dirname, "client-adapter.mjs")}" ${url}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
