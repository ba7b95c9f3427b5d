// What this SCIM server says of itself: /ServiceProviderConfig, /ResourceTypes, /Schemas (RFC 7643 §5–7).

import { USER_SCHEMA } from "./user-resource.ts";

const SCHEMAS = "urn:ietf:params:scim:schemas:core:2.0";
export const MAX_PAGE = 200;

export function serviceProviderConfig(base: string) {
  return {
    schemas: [`${SCHEMAS}:ServiceProviderConfig`],
    patch: { supported: true },
    bulk: { supported: false, maxOperations: 0, maxPayloadSize: 0 },
    filter: { supported: true, maxResults: MAX_PAGE },
    changePassword: { supported: false },
    sort: { supported: false },
    etag: { supported: false },
    authenticationSchemes: [
      {
        type: "oauthbearertoken",
        name: "Access token",
        description: "An access token of this gateway with the scope scim.",
        primary: true,
      },
    ],
    meta: { resourceType: "ServiceProviderConfig", location: `${base}/ServiceProviderConfig` },
  };
}

export function userResourceType(base: string) {
  return {
    schemas: [`${SCHEMAS}:ResourceType`],
    id: "User",
    name: "User",
    endpoint: "/Users",
    schema: USER_SCHEMA,
    meta: { resourceType: "ResourceType", location: `${base}/ResourceTypes/User` },
  };
}

export function userSchema(base: string) {
  const attribute = (name: string, more: object = {}) => ({
    name,
    type: "string",
    multiValued: false,
    required: false,
    caseExact: true,
    mutability: "readWrite",
    returned: "default",
    uniqueness: "none",
    ...more,
  });
  return {
    schemas: [`${SCHEMAS}:Schema`],
    id: USER_SCHEMA,
    name: "User",
    description: "An account.",
    attributes: [
      attribute("userName", {
        required: true,
        caseExact: false,
        mutability: "immutable",
        uniqueness: "server",
      }),
      attribute("displayName"),
      attribute("nickName", { mutability: "readOnly", uniqueness: "server" }),
      attribute("active", { type: "boolean", caseExact: false }),
    ],
    meta: { resourceType: "Schema", location: `${base}/Schemas/${USER_SCHEMA}` },
  };
}

/** RFC 7644 §3.4.2. @param startIndex from 1 */
export function listResponse(resources: readonly object[], total: number, startIndex = 1) {
  return {
    schemas: ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
    totalResults: total,
    startIndex,
    itemsPerPage: resources.length,
    Resources: resources,
  };
}
