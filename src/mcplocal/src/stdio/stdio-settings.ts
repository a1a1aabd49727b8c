import { LOG_LEVELS } from "@mcpctl/shared/log.ts";
import { configDirectory, stateDirectory, type Surroundings } from "@mcpctl/shared/user-directories.ts";
import * as z from "zod";

export const stdioSettings = z.object({
  mcpdUrl: z
    .url({ protocol: /^https?$/, error: "must be an http or https URL" })
    .optional()
    .describe("Address of mcpd; that of the last mcpctl login when absent."),
  project: z.string().min(1).optional().describe("Project to serve; that of the token when absent."),
  credential: z
    .string()
    .regex(/^[\x21-\x7e]{1,256}$/, "is no credential")
    .optional()
    .meta({ secret: true })
    .describe("A token or a session, instead of that of mcpctl login. Better in a _FILE."),
  configDir: z.string().min(1).optional().describe("Directory of the file that mcpctl login writes."),
  stateDir: z
    .string()
    .min(1)
    .optional()
    .describe("Directory for the record of tool calls and for what was last known."),
  graceSeconds: z.coerce
    .number()
    .int()
    .min(0)
    .max(3_600)
    .default(30)
    .describe("How long the project is served while mcpd is silent; 30 when absent."),
  logLevel: z
    .enum(LOG_LEVELS)
    .default("warn")
    .describe(`One of ${LOG_LEVELS.join(", ")}.`),
});

type Settings = z.output<typeof stdioSettings>;
export interface StdioConfig extends Settings {
  configDir: string;
  stateDir: string;
}

/** Fills in the directories of whoever runs this. */
export function withDirectories({ configDir, stateDir, ...rest }: Settings, surroundings: Surroundings): StdioConfig {
  return {
    ...rest,
    configDir: configDir ?? configDirectory(surroundings),
    stateDir: stateDir ?? stateDirectory(surroundings),
  };
}
