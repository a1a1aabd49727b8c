import * as z from "zod";

/** @see Kubernetes API conventions, "Typical status properties" */
export const conditionSchema = z.strictObject({
  type: z.string().describe("What is judged, such as Ready."),
  status: z.enum(["True", "False", "Unknown"]).describe("The judgement."),
  reason: z.string().describe("One word in CamelCase for programs."),
  message: z.string().describe("A sentence for people; holds the end of stderr when a process failed."),
  lastTransitionAt: z.iso.datetime().describe("When status last changed."),
});
export type Condition = z.output<typeof conditionSchema>;

export const conditionsSchema = z.array(conditionSchema).describe("Typed judgements, one per type.");

/** Puts one condition into the list. `lastTransitionAt` moves only when the status changes. */
export function withCondition(conditions: readonly Condition[], next: Condition): Condition[] {
  const previous = conditions.find((c) => c.type === next.type);
  const lastTransitionAt = previous?.status === next.status ? previous.lastTransitionAt : next.lastTransitionAt;
  return [...conditions.filter((c) => c.type !== next.type), { ...next, lastTransitionAt }].toSorted((a, b) =>
    a.type < b.type ? -1 : 1,
  );
}

export function findCondition(status: { conditions?: Condition[] } | undefined, type: string): Condition | undefined {
  return status?.conditions?.find((c) => c.type === type);
}
