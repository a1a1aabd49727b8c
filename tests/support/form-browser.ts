/** What a person types into forms, by the name of the input. */
export type Typed = Readonly<Record<string, string>>;

export interface Page {
  status: number;
  url: string;
  text: string;
}

const MAX_STEPS = 25;

/**
 * A browser that keeps cookies, follows redirects, and sends every form it meets, as the person would.
 *
 * @param end - beginning of addresses that it does not open any more.
 * @returns the first page without a form, or the address where it has ended.
 */
export async function browse(address: string, typed: Typed, end?: string): Promise<Page> {
  const cookies = new Map<string, string>();
  let url = new URL(address);
  let body: URLSearchParams | undefined;
  for (let step = 0; step < MAX_STEPS; step++) {
    if (end !== undefined && url.href.startsWith(end)) return { status: 0, url: url.href, text: "" };
    const response = await fetch(url, {
      method: body ? "POST" : "GET",
      ...(body && { body }),
      headers: { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join("; ") },
      redirect: "manual",
    });
    keepCookies(cookies, response.headers.getSetCookie());
    const text = await response.text();
    const location = response.headers.get("location");
    const form = location === null ? findForm(text, typed) : undefined;
    if (location === null && !form) return { status: response.status, url: url.href, text };
    url = new URL(location ?? form?.action ?? "", url);
    body = form?.inputs;
  }
  throw new Error(`The pages of ${address} do not come to an end`);
}

function keepCookies(cookies: Map<string, string>, lines: readonly string[]): void {
  for (const line of lines) {
    const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
    if (value === "") cookies.delete(name);
    else cookies.set(name, value);
  }
}

function findForm(html: string, typed: Typed): { action: string; inputs: URLSearchParams } | undefined {
  const [, tag, content] = /<form([^>]*)>(.*?)<\/form>/s.exec(html) ?? [];
  if (tag === undefined || content === undefined) return undefined;
  const inputs = new URLSearchParams();
  for (const [, attributes = ""] of content.matchAll(/<input([^>]*)>/g)) {
    const name = attributeOf(attributes, "name");
    if (name !== undefined) inputs.set(name, attributeOf(attributes, "value") ?? typed[name] ?? "");
  }
  return { action: attributeOf(tag, "action") ?? "", inputs };
}

function attributeOf(attributes: string, name: string): string | undefined {
  return new RegExp(`\\b${name}="([^"]*)"`).exec(attributes)?.[1]?.replaceAll("&amp;", "&");
}
