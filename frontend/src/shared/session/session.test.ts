import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { takeCredentialsFrom } from "@/shared/api/client";

import { SessionKeeper } from "./session";

const ME = { actor: "operator:1", name: "ada", role: "admin", open: false, permissions: ["recognise"] };
const NOW = Date.parse("2026-01-31T12:00:00Z");

/** A service of the tests' own: which refresh cookie counts, and what was asked of it. */
class Service {
  readonly asked: string[] = [];
  open = false;
  refreshes = 0;
  mayRefresh = true;
  down = false;

  readonly fetch = async (input: RequestInfo | URL, init?: RequestInit): Promise<Response> => {
    if (this.down) throw new TypeError("Failed to fetch");
    const request = new Request(
      new URL(input instanceof Request ? input.url : input, "http://127.0.0.1"),
      input instanceof Request ? input : init,
    );
    const { pathname } = new URL(request.url);
    this.asked.push(`${request.method} ${pathname}`);
    if (pathname.endsWith("/me")) {
      const known = this.open || request.headers.get("Authorization") === `Bearer t${this.refreshes}`;
      return known
        ? Response.json({ ...ME, open: this.open })
        : Response.json({ code: "not_signed_in" }, { status: 401 });
    }
    if (pathname.endsWith("/logout")) return Response.json({ success: true });
    const fields = new URLSearchParams(await request.text());
    if (fields.get("grant_type") === "refresh_token" && !this.mayRefresh) {
      return Response.json({ code: "credentials_wrong", detail: "no" }, { status: 401 });
    }
    this.refreshes += 1;
    return Response.json({ access_token: `t${this.refreshes}`, expires_in: 600, refresh_token: null });
  };
}

let service: Service;

function newPage(): SessionKeeper {
  const keeper = new SessionKeeper();
  takeCredentialsFrom(keeper);
  return keeper;
}

beforeEach(() => {
  service = new Service();
  vi.stubGlobal("fetch", service.fetch);
  vi.useFakeTimers({ now: NOW, toFake: ["Date"] });
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe("start", () => {
  it("asks nobody to sign in to an open service", async () => {
    service.open = true;
    const keeper = newPage();
    await keeper.start();
    expect(keeper.current()).toMatchObject({ state: "signed_in", me: { open: true } });
    expect(await keeper.token()).toBeNull();
  });

  it("knows that nobody is signed in", async () => {
    service.mayRefresh = false;
    const keeper = newPage();
    await keeper.start();
    expect(keeper.current()).toEqual({ state: "signed_out", expired: false });
  });

  it("tells a service that can't be reached from a sign-in that ended", async () => {
    service.down = true;
    const keeper = newPage();
    await keeper.start();
    expect(keeper.current()).toEqual({ state: "unreachable" });
  });
});

describe("the access token", () => {
  it("is kept until shortly before it ends, then renewed once for all who ask", async () => {
    const keeper = newPage();
    await keeper.signIn("ada", "secret");
    expect(await keeper.token()).toBe("t1");
    vi.setSystemTime(NOW + 541_000);
    expect(await Promise.all([keeper.token(), keeper.token(), keeper.token()])).toEqual(["t2", "t2", "t2"]);
    expect(service.refreshes).toBe(2);
  });

  it("isn't renewed again for a request that was sent with the one before", async () => {
    const keeper = newPage();
    await keeper.signIn("ada", "secret");
    expect(await keeper.renewed("t1")).toBe("t2");
    expect(await keeper.renewed("t1")).toBe("t2");
    expect(service.refreshes).toBe(2);
  });

  it("ends the sign-in when it can't be renewed", async () => {
    const keeper = newPage();
    await keeper.signIn("ada", "secret");
    service.mayRefresh = false;
    expect(await keeper.renewed("t1")).toBeNull();
    expect(keeper.current()).toEqual({ state: "signed_out", expired: true });
    expect(await keeper.token()).toBeNull();
  });

  it("outlives a moment without network", async () => {
    const keeper = newPage();
    await keeper.signIn("ada", "secret");
    service.down = true;
    await expect(keeper.renewed("t1")).rejects.toMatchObject({ status: 0 });
    expect(keeper.current().state).toBe("signed_in");
  });
});

it("signs out at once, also when the service can't be told", async () => {
  const keeper = newPage();
  await keeper.signIn("ada", "secret");
  service.down = true;
  await keeper.signOut();
  expect(keeper.current()).toEqual({ state: "signed_out", expired: false });
});
