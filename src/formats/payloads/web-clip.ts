import type { PlistDictionary } from '../plist.ts'
import { type PayloadHeader, payload } from './payload.ts'

/** `icon` is a PNG of at most 400 × 400 pixels; without one iOS shows a white square. */
export type WebClipFields = { label: string, url: string, icon?: Buffer }

/** A link on the Home Screen that its owner may remove (Apple schema com.apple.webClip.managed). */
export function webClipPayload(header: PayloadHeader, fields: WebClipFields): PlistDictionary {
  return payload('com.apple.webClip.managed', header, {
    Label: fields.label,
    URL: fields.url,
    IsRemovable: true,
    ...fields.icon !== undefined && { Icon: fields.icon, Precomposed: true },
  })
}
