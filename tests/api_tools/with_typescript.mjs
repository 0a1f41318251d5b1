// @ts-check
/** Use the types that openapi-typescript has made: `with_typescript.mjs URL KEY`. */

import assert from "node:assert";
import createClient from "openapi-fetch";

const [, , baseUrl, key] = process.argv;
/** @type {import("openapi-fetch").Client<import("./schema.js").paths>} */
const client = createClient({ baseUrl, headers: { Authorization: `Bearer ${key}` } });

const put = await client.PUT("/v1/metrics/{code}", {
  params: { path: { code: "exports" } },
  body: { name: "Exports", unit: "export", aggregation: "sum" },
});
assert.equal(put.response.status, 201, JSON.stringify(put.error));

const page = await client.GET("/v1/metrics", { params: { query: { limit: 100 } } });
assert(page.data?.items.some((metric) => metric.code === "exports"), JSON.stringify(page.error));

const pushed = await client.POST("/v1/usage", {
  body: {
    idempotency_key: "typescript:1",
    subscription: "4101",
    metric: "exports",
    period_start: "2026-11-03T00:00:00Z",
    period_end: "2026-11-04T00:00:00Z",
    quantity: "1250.5",
  },
});
assert.equal(pushed.response.status, 201, JSON.stringify(pushed.error));
