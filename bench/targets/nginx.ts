import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findFreePort } from "../../tests/support/free-port.ts";
import { HttpConnection } from "../load/http-connection.ts";

const PROGRAMS = ["/usr/sbin/nginx", "/usr/local/sbin/nginx", "/usr/bin/nginx", "/opt/homebrew/bin/nginx"];

export interface Nginx extends AsyncDisposable {
  port: number;
  /** Of the worker, which does the work. */
  pids: number[];
}

/**
 * Starts nginx with one worker as a reverse proxy that checks a bearer.
 *
 * @returns undefined where nginx is not installed.
 */
export async function startNginx(targetPort: number, bearer: string): Promise<Nginx | undefined> {
  const program = PROGRAMS.find((path) => existsSync(path));
  if (program === undefined) return undefined;
  const dir = await mkdtemp(join(tmpdir(), "mcpctl-nginx-"));
  const port = await findFreePort();
  await writeFile(join(dir, "nginx.conf"), configuration({ dir, port, targetPort, bearer }));
  const master = spawn(program, ["-p", dir, "-c", join(dir, "nginx.conf"), "-e", join(dir, "error.log")], {
    stdio: "ignore",
  });
  const ended = once(master, "exit");
  // A run that breaks off must not leave it behind.
  const kill = () => void master.kill("SIGTERM");
  process.once("exit", kill);
  await untilListening(port);
  return {
    port,
    pids: await workersOf(master.pid ?? 0),
    async [Symbol.asyncDispose]() {
      master.kill("SIGQUIT");
      await ended;
      process.off("exit", kill);
      await rm(dir, { recursive: true, force: true });
    },
  };
}

interface Configuration {
  dir: string;
  port: number;
  targetPort: number;
  bearer: string;
}

function configuration({ dir, port, targetPort, bearer }: Configuration): string {
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
    (kind) => `${kind}_temp_path ${dir}/${kind};`,
  );
  return `
daemon off;
worker_processes 1;
pid ${dir}/nginx.pid;
error_log ${dir}/error.log error;
events { worker_connections 4096; }
http {
  access_log off;
  ${temporary.join("\n  ")}
  keepalive_requests 1000000000;
  keepalive_timeout 600s;
  client_body_buffer_size 64k;
  proxy_buffers 16 64k;
  proxy_buffer_size 64k;
  proxy_busy_buffers_size 256k;
  upstream target {
    server 127.0.0.1:${targetPort};
    keepalive 256;
    keepalive_requests 1000000000;
  }
  server {
    listen 127.0.0.1:${port};
    location / {
      if ($http_authorization != "Bearer ${bearer}") { return 401; }
      proxy_pass http://target;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
    }
  }
}
`;
}

async function untilListening(port: number): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const connection = await HttpConnection.open(port).catch(() => undefined);
    if (connection) return connection.close();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error("nginx does not listen");
}

async function workersOf(pid: number): Promise<number[]> {
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, "latin1");
  return children.trim().split(" ").map(Number);
}
