import * as z from "zod";
import type { Ask } from "./ask.ts";
import { API, type LoginResponse, loginResponse, type OwnSession, ownSessions } from "./contracts.ts";
import {
  type CodeFinish,
  type CodeStart,
  codeStarted,
  devicePolled,
  type DevicePolled,
  type DeviceStarted,
  deviceStarted,
  LOGIN_API,
  type LoginMethods,
  loginMethods,
  type OidcLogin,
  oidcLogin,
} from "./login-contracts.ts";

/** Logging in with an OpenID provider, and one's own account. */
export interface PeopleCalls {
  loginMethods(): Promise<LoginMethods>;
  startCodeLogin(start: CodeStart): Promise<{ authorizationUrl: string }>;
  finishCodeLogin(finish: CodeFinish): Promise<OidcLogin>;
  startDeviceLogin(): Promise<DeviceStarted>;
  pollDeviceLogin(deviceCode: string): Promise<DevicePolled>;
  /** Newest first. */
  listSessions(): Promise<OwnSession[]>;
  endSession(id: string): Promise<void>;
  endAllSessions(): Promise<void>;
  /** Ends every session of the caller. @returns the one that takes their place. */
  changePassword(change: { oldPassword: string; password: string }): Promise<LoginResponse>;
}

export function peopleCalls(ask: Ask): PeopleCalls {
  return {
    async loginMethods() {
      return (await ask(loginMethods, { method: "GET", path: LOGIN_API.methods })).value;
    },
    async startCodeLogin(body) {
      return (await ask(codeStarted, { method: "POST", path: LOGIN_API.code, body })).value;
    },
    async finishCodeLogin(body) {
      return (await ask(oidcLogin, { method: "POST", path: LOGIN_API.finishCode, body })).value;
    },
    async startDeviceLogin() {
      return (await ask(deviceStarted, { method: "POST", path: LOGIN_API.device })).value;
    },
    async pollDeviceLogin(deviceCode) {
      return (await ask(devicePolled, { method: "POST", path: LOGIN_API.pollDevice, body: { deviceCode } })).value;
    },
    async listSessions() {
      return (await ask(ownSessions, { method: "GET", path: API.sessions })).value.items;
    },
    async endSession(id) {
      await ask(z.unknown(), { method: "DELETE", path: `${API.sessions}/${encodeURIComponent(id)}` });
    },
    async endAllSessions() {
      await ask(z.unknown(), { method: "DELETE", path: API.sessions });
    },
    async changePassword(body) {
      return (await ask(loginResponse, { method: "PUT", path: API.ownPassword, body })).value;
    },
  };
}
