import type { Suite } from "./suite.ts";
import { growthResultSize } from "./growth/result-size.ts";
import { growthServers } from "./growth/servers.ts";
import { growthSessions } from "./growth/sessions.ts";
import { growthTokens } from "./growth/tokens.ts";
import { growthTools } from "./growth/tools.ts";

/** What becomes of speed and memory when a project, its clients or its results grow: a suite for each dimension. */
export const GROWTH: readonly Suite[] = [growthServers, growthTools, growthTokens, growthSessions, growthResultSize];
