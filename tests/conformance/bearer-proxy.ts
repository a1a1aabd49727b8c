import { type HttpProxy, startHttpProxy } from "../support/http-proxy.ts";
import type { Endpoint } from "./gateway.ts";

/** The endpoint, for those who send no token, as the suite. */
export function startBearerProxy({ url, token }: Endpoint): Promise<HttpProxy> {
  return startHttpProxy(url, (headers) => ({ ...headers, authorization: `Bearer ${token}` }));
}
