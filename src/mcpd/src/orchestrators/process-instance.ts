import { setTimeout as sleep } from "node:timers/promises";
import { withoutSecrets } from "@mcpctl/shared/redact.ts";
import type { BackOff } from "./back-off.ts";
import type { EraMemory } from "./era-memory.ts";
import { InstanceUpstream } from "./instance-upstream.ts";
import { LIVENESS, watchLiveness } from "./liveness.ts";
import type { InstanceLaunch, InstanceLoad, InstanceState, RunningInstance } from "./orchestrator.ts";
import type { ProcessLimits } from "./process-limits.ts";
import type { Reaper } from "./reaper.ts";
import {
  describeExit,
  describeStartFailure,
  type SpawnedServer,
  type StartedServer,
  startServer,
} from "./server-start.ts";
import type { SpawnInTurn } from "./spawn-turns.ts";
import type { StartSlots } from "./start-slots.ts";
import { createStderrTail, type StderrTail } from "./stderr-tail.ts";
import { followToolCount } from "./tool-count.ts";
import { waitFor } from "@mcpctl/shared/wait-for.ts";

export interface ProcessInstanceDeps {
  /** The whole environment of the process. */
  env: Readonly<Record<string, string>>;
  reaper: Reaper;
  slots: StartSlots;
  spawnInTurn: SpawnInTurn;
  eras: EraMemory;
  backOff: BackOff;
  limits: ProcessLimits;
  onState(state: InstanceState): void;
  /** Ends what the server started outside its group. */
  endStrays(): Promise<void>;
  /** Called once, when nothing is left of it. */
  onStopped(): void;
}

const NO_LOAD = { requestsInFlight: 0, unsentBytes: 0, timeouts: 0 } as const;
const STDERR_LINES = 10;
const MAX_STDERR_LENGTH = 2_000;

/** How a life of the process ended that nobody asked to end. */
interface Ending {
  what: string;
  phase: "CrashLoopBackOff" | "Failed";
  wasRunning: boolean;
}

/** Keeps one copy of a server running: a loop of lives, each from the wait for a start to the end of the process. */
export class ProcessInstance implements RunningInstance {
  readonly name: string;
  readonly upstream: InstanceUpstream;
  readonly #launch: InstanceLaunch;
  readonly #deps: ProcessInstanceDeps;
  readonly #stderr: StderrTail;
  readonly #supervision: Promise<void>;
  #state: InstanceState = { phase: "Pending", restarts: 0 };
  /** Aborting it ends the present life, whatever it is at. */
  #interrupt = new AbortController();
  #lifeEnded = Promise.withResolvers<void>();
  /** The process of the present life, once there is one. */
  #server: SpawnedServer | undefined;
  #isStopping = false;
  /** Of the processes before the present one. */
  #pastTimeouts = 0;

  constructor(launch: InstanceLaunch, deps: ProcessInstanceDeps) {
    this.name = launch.name;
    this.upstream = new InstanceUpstream(launch);
    this.#launch = launch;
    this.#deps = deps;
    this.#stderr = createStderrTail(deps.limits.stderrBytes, launch.secretValues);
    this.#supervision = this.#supervise();
  }

  get state(): InstanceState {
    return this.#state;
  }

  get load(): InstanceLoad {
    const { requestsInFlight, unsentBytes, timeouts } = this.#server?.upstream.load ?? NO_LOAD;
    return { requestsInFlight, unsentBytes, timeouts: this.#pastTimeouts + timeouts, restarts: this.#state.restarts };
  }

  stderrTail(): string {
    return this.#stderr.read();
  }

  async restart(): Promise<void> {
    const { promise } = this.#lifeEnded;
    this.#interrupt.abort();
    await promise;
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    this.upstream.detach("was stopped");
    this.#interrupt.abort();
    await this.#supervision;
  }

  async #supervise(): Promise<void> {
    this.upstream.expectStart();
    while (!this.#isStopping) {
      const { signal } = this.#interrupt;
      const ending = await this.#live(signal);
      if (ending) await this.#recover(ending, signal);
      else await this.#end();
      if (signal.aborted) this.#deps.backOff.reset();
      this.#interrupt = new AbortController();
      this.#lifeEnded.resolve();
      this.#lifeEnded = Promise.withResolvers();
      const restarts = this.#state.restarts + 1;
      if (!this.#isStopping) this.#become({ phase: "Pending", message: ending?.what, restarts });
    }
    this.#lifeEnded.resolve();
    this.upstream.detach("was stopped");
    this.#become({ phase: "Stopping", message: undefined });
    this.#deps.onStopped();
  }

  /** @returns how the life ended; undefined when it was interrupted. */
  async #live(signal: AbortSignal): Promise<Ending | undefined> {
    this.#pastTimeouts += this.#server?.upstream.load.timeouts ?? 0;
    this.#server = undefined;
    const release = await this.#deps.slots.take(signal);
    if (!release) return undefined;
    const outcome = await this.#start(signal).finally(release);
    if (signal.aborted) return undefined;
    return "what" in outcome ? outcome : this.#run(outcome, signal);
  }

  async #start(signal: AbortSignal): Promise<StartedServer | Ending> {
    const { startTimeoutSeconds } = this.#launch;
    const limit = AbortSignal.timeout(startTimeoutSeconds * 1000);
    this.#become({ phase: "Starting" });
    try {
      return await startServer({
        ...this.#deps,
        launch: this.#launch,
        signal: AbortSignal.any([signal, limit]),
        onStderr: (chunk) => this.#stderr.push(chunk),
        onSpawn: (server) => this.#adopt(server),
      });
    } catch (error) {
      const what = signal.aborted ? "interrupted" : describeStartFailure(error, startTimeoutSeconds);
      return { what, phase: this.#server ? "CrashLoopBackOff" : "Failed", wasRunning: false };
    }
  }

  #adopt(server: SpawnedServer): void {
    this.#server = server;
    this.#stderr.mark();
    this.#become({ pid: server.process.pid, startedAt: new Date().toISOString() });
    void server.process.exited.then((exit) => {
      const lastExit = { ...exit, exitedAt: new Date().toISOString() };
      // Told with the phase that follows from it.
      this.#state = { ...this.#state, pid: undefined, startedAt: undefined, lastExit };
    });
  }

  async #run(
    { process, upstream, identity, toolCount }: StartedServer,
    signal: AbortSignal,
  ): Promise<Ending | undefined> {
    const startedAt = performance.now();
    this.upstream.attach(upstream);
    this.#become({ phase: "Running", message: undefined, identity, toolCount });
    followToolCount(upstream, { identity, signal, onCount: (count) => this.#become({ toolCount: count }) });
    const what = await this.#untilEnd(process, signal);
    if (what === undefined) return undefined;
    if (performance.now() - startedAt >= this.#deps.limits.healthyMs) this.#deps.backOff.reset();
    return { what, phase: "CrashLoopBackOff", wasRunning: true };
  }

  /** @returns why the process is no good any more; undefined when it was interrupted. */
  async #untilEnd({ exited }: StartedServer["process"], signal: AbortSignal): Promise<string | undefined> {
    const over = new AbortController();
    const exit = waitFor(exited, signal)
      .then((how) => `The server ${describeExit(how)}`)
      .catch(() => undefined);
    const death = watchLiveness({
      upstream: this.upstream,
      load: () => this.load,
      liveness: { ...LIVENESS, ...this.#launch.liveness },
      signal: AbortSignal.any([signal, over.signal]),
    });
    try {
      return await Promise.race([exit, death.then((why) => why ?? exit)]);
    } finally {
      over.abort();
    }
  }

  /** Clears what is left of the process and waits as long as the back-off says. */
  async #recover({ what, phase, wasRunning }: Ending, signal: AbortSignal): Promise<void> {
    const seconds = this.#deps.backOff.next(wasRunning);
    if (seconds === 0) {
      this.upstream.expectStart();
      this.#become({ phase: "Pending", message: what });
    } else {
      this.upstream.detach(`does not run: ${what}`);
      this.#become({ phase, message: this.#explain(what, seconds) });
    }
    await this.#server?.process.kill();
    await this.#deps.endStrays();
    await sleep(seconds * 1000, undefined, { signal }).catch(() => {});
    this.upstream.expectStart();
  }

  async #end(): Promise<void> {
    this.#become({ phase: "Stopping", message: undefined });
    // Whoever asks during a restart waits for it.
    if (!this.#isStopping) this.upstream.expectStart();
    this.#server?.upstream.fail("was stopped");
    await this.#server?.process.end();
    await this.#deps.endStrays();
  }

  #explain(what: string, seconds: number): string {
    const { count, last } = this.#server?.upstream.garbage ?? { count: 0, last: "" };
    const garbage = count > 0 ? `. Lines on stdout that are no MCP messages: ${count}, the last: ${last}` : "";
    const stderr = this.#stderr.readSinceMark(STDERR_LINES).slice(-MAX_STDERR_LENGTH);
    return `${what}. Starts again in ${Math.ceil(seconds)} s${garbage}${stderr && `\n${stderr}`}`;
  }

  #become(change: Partial<InstanceState>): void {
    const { message } = change;
    const redacted = message !== undefined && { message: withoutSecrets(message, this.#launch.secretValues) };
    this.#state = { ...this.#state, ...change, ...redacted };
    this.#deps.onState(this.#state);
  }
}
