// Prints to stderr, when the process ends, every module that it loaded.
import { registerHooks } from "node:module";

const loaded = [];
registerHooks({
  load(url, context, next) {
    loaded.push(url);
    return next(url, context);
  },
});
process.on("exit", () => {
  const builtIn = process.moduleLoadList.filter((name) => name.endsWith("undici/undici"));
  process.stderr.write(JSON.stringify([...loaded, ...builtIn]));
});
