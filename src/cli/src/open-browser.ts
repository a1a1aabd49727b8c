import { spawn } from "node:child_process";
import { isWebUrl } from "./server-url.ts";

/** What opens an address in a browser; never a shell, which would read more than one word in it. */
const OPENERS: Readonly<Partial<Record<NodeJS.Platform, readonly [string, ...string[]]>>> = {
  darwin: ["open"],
  win32: ["rundll32", "url.dll,FileProtocolHandler"],
};

/** Opens a web address in the person's browser, where there is one. Whether it did is not known: print it as well. */
export function openBrowser(url: string, platform: NodeJS.Platform = process.platform): void {
  if (!isWebUrl(url)) return;
  const [program, ...args] = OPENERS[platform] ?? ["xdg-open"];
  const child = spawn(program, [...args, new URL(url).href], { stdio: "ignore", detached: true });
  child.on("error", () => {});
  child.unref();
}
