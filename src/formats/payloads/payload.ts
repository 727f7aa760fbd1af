import type { PlistDictionary } from '../plist.ts'

/**
 * What every payload carries. `identifier` is unique within its configuration profile and stays the same for
 * updates; `uuid` is new for every document, and is what other payloads of the same document point at.
 */
export type PayloadHeader = { identifier: string, uuid: string, displayName: string, organization?: string, description?: string }

/** Apple schema CommonPayloadKeys. */
export function payload(type: string, header: PayloadHeader, content: PlistDictionary): PlistDictionary {
  return {
    PayloadType: type,
    PayloadVersion: 1,
    PayloadIdentifier: header.identifier,
    PayloadUUID: header.uuid,
    PayloadDisplayName: header.displayName,
    ...header.organization !== undefined && { PayloadOrganization: header.organization },
    ...header.description !== undefined && { PayloadDescription: header.description },
    ...content,
  }
}
