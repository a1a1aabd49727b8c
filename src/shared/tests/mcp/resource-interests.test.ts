import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ResourceInterests } from "../../src/mcp/resource-interests.ts";

/** A place where word of resources comes from, which counts like one. */
function createTeller() {
  const counts = new Map<string, number>();
  const log: string[] = [];
  return {
    log,
    open: () => [...counts.keys()].toSorted(),
    subscribe(uri: string) {
      log.push(`+${uri}`);
      counts.set(uri, (counts.get(uri) ?? 0) + 1);
      return () => {
        log.push(`-${uri}`);
        const left = (counts.get(uri) ?? 0) - 1;
        if (left > 0) counts.set(uri, left);
        else counts.delete(uri);
      };
    },
  };
}

describe("ResourceInterests", () => {
  it("subscribes once for all who are interested, and ends with the last of them", () => {
    const interests = new ResourceInterests();
    const teller = createTeller();
    interests.moveTo(teller);
    const ends = [interests.subscribe("a"), interests.subscribe("a")];
    ends[0]?.();
    ends[0]?.();
    expect(teller.log).toEqual(["+a"]);
    ends[1]?.();
    expect(teller.log).toEqual(["+a", "-a"]);
    expect(interests.uris).toEqual([]);
  });

  it("begins at the next place before it ends at the last, so that one behind both hears of no change", () => {
    const interests = new ResourceInterests();
    const behind = createTeller();
    const shared = new ResourceInterests();
    shared.moveTo(behind);
    const place = () => ({ subscribe: (uri: string) => shared.subscribe(uri) });
    interests.moveTo(place());
    interests.subscribe("a");
    interests.moveTo(place());
    expect(behind.log).toEqual(["+a"]);
  });

  it("is subscribed to exactly what somebody wants, whatever happens in whatever order", () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant("subscribe" as const), uri: fc.constantFrom("a", "b", "c") }),
      fc.record({ kind: fc.constant("end" as const), at: fc.nat(20) }),
      fc.record({ kind: fc.constant("move" as const), to: fc.constantFrom(0, 1, undefined) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const interests = new ResourceInterests();
        const tellers = [createTeller(), createTeller()];
        const wanted: { uri: string; end: () => void; isOver: boolean }[] = [];
        let current: number | undefined;
        for (const done of steps) {
          if (done.kind === "subscribe") {
            wanted.push({ uri: done.uri, end: interests.subscribe(done.uri), isOver: false });
          } else if (done.kind === "end") {
            const one = wanted[done.at];
            one?.end();
            if (one) one.isOver = true;
          } else {
            current = done.to;
            interests.moveTo(current === undefined ? undefined : tellers[current]);
          }
          const open = [...new Set(wanted.filter(({ isOver }) => !isOver).map(({ uri }) => uri))].toSorted();
          expect(interests.uris.toSorted()).toEqual(open);
          tellers.forEach((teller, at) => expect(teller.open()).toEqual(at === current ? open : []));
        }
      }),
    );
  });
});
