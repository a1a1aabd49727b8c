import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { INSTANCE_MARKER } from "./stray-processes.ts";

/**
 * Reads `+GROUP` and `-GROUP` lines until its input ends, which it does when mcpd is gone, however it went. Then ends
 * the groups that are still registered, and the processes with our marker, which are those that left their group or
 * that were started in the instant before mcpd died. They are looked for once, right away: a mcpd that takes the place
 * of the dead one cannot have started any by then.
 */
const SCRIPT = `
trap '' HUP INT TERM
groups=
while read -r line; do
  case $line in
    +*) groups="$groups \${line#+}" ;;
    -*) kept=
        for group in $groups; do [ "$group" = "\${line#-}" ] || kept="$kept $group"; done
        groups=$kept ;;
  esac
done
strays=$(grep -lsF -e "$1" /proc/[0-9]*/environ | cut -d/ -f3)
[ -n "$groups$strays" ] || exit 0
send() {
  for group in $groups; do kill "-$1" "-$group"; done
  for stray in $strays; do kill "-$1" "$stray"; done
} 2>/dev/null
send TERM
sleep 1
send KILL
`;

const MAX_WAIT_MS = 3_000;
const MIN_LIFE_MS = 1_000;

/** Ends our child processes when mcpd can no longer do it. */
export interface Reaper {
  /** To be called before a child is spawned. */
  start(): void;
  /** To be called in the tick of the spawn. */
  add(groupId: number): void;
  remove(groupId: number): void;
  /** Lets the reaper go, when all groups are gone. */
  close(): Promise<void>;
}

/**
 * A POSIX shell in a session of its own: it survives what kills mcpd, needs no rights, and takes 2 MB for all children
 * together. Should somebody end it, another takes its place.
 *
 * @param dataDirId marks the processes of this mcpd.
 * @param path where the shell finds grep, cut and sleep.
 */
export function createReaper(dataDirId: string, path: string): Reaper {
  const groups = new Set<number>();
  let shell: ChildProcess | undefined;
  let isClosed = false;

  function start(): void {
    if (shell || isClosed) return;
    const startedAt = performance.now();
    const started = spawnShell(dataDirId, path);
    started.on("exit", () => {
      shell = undefined;
      // One that cannot live is tried again at the next spawn, not for ever.
      if (groups.size > 0 && performance.now() - startedAt > MIN_LIFE_MS) start();
    });
    shell = started;
    for (const groupId of groups) tell(`+${groupId}`);
  }

  function tell(change: string): void {
    shell?.stdin?.write(`${change}\n`);
  }

  return {
    start,
    add(groupId) {
      groups.add(groupId);
      tell(`+${groupId}`);
    },
    remove(groupId) {
      groups.delete(groupId);
      tell(`-${groupId}`);
    },
    async close() {
      isClosed = true;
      if (shell?.pid === undefined) return;
      const ended = once(shell, "exit");
      shell.ref();
      shell.stdin?.end();
      await Promise.race([ended, sleep(MAX_WAIT_MS, undefined, { ref: false })]);
    },
  };
}

function spawnShell(dataDirId: string, path: string): ChildProcess {
  const marker = `${INSTANCE_MARKER}=${dataDirId}/`;
  const shell = spawn("/bin/sh", ["-c", SCRIPT, "mcpctl-reaper", marker], {
    detached: true,
    stdio: ["pipe", "ignore", "ignore"],
    env: { PATH: path },
    cwd: "/",
  });
  // Without a shell there is no reaper; the sweep at the next start stands behind it.
  shell.on("error", () => {});
  shell.stdin.on("error", () => {});
  // It must not keep mcpd alive: it ends by itself when mcpd does.
  shell.unref();
  return shell;
}
