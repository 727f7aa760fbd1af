import type { PlistDictionary } from '../plist.ts'
import { type PayloadHeader, payload } from './payload.ts'

export type WifiFields = {
  ssid: string
  /** WPA2 also joins WPA3 networks from iOS 16 on; WPA3 joins those only. */
  encryption?: 'WPA2' | 'WPA3'
  hidden?: boolean
  autoJoin?: boolean
  userName: string
  /** PayloadUUIDs in the same configuration profile: the identity, and the anchors of the RADIUS server. */
  identityUuid: string
  anchorUuids: readonly string[]
  trustedServerNames: readonly string[]
  tlsMaximumVersion?: '1.2' | '1.3'
}

const eapTls = 13

/** A network joined with EAP-TLS (Apple schema com.apple.wifi.managed). */
export function wifiPayload(header: PayloadHeader, fields: WifiFields): PlistDictionary {
  return payload('com.apple.wifi.managed', header, {
    SSID_STR: fields.ssid,
    EncryptionType: fields.encryption ?? 'WPA2',
    HIDDEN_NETWORK: fields.hidden ?? false,
    AutoJoin: fields.autoJoin ?? true,
    PayloadCertificateUUID: fields.identityUuid,
    EAPClientConfiguration: {
      AcceptEAPTypes: [eapTls],
      // Left out, the device would ask its owner for one.
      UserName: fields.userName,
      // Anchors and names together switch off the dialog in which an owner could trust somebody else's server.
      PayloadCertificateAnchorUUID: [...fields.anchorUuids],
      TLSTrustedServerNames: [...fields.trustedServerNames],
      TLSCertificateIsRequired: true,
      TLSMinimumVersion: '1.2',
      TLSMaximumVersion: fields.tlsMaximumVersion ?? '1.2',
    },
  })
}
