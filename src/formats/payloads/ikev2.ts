import type { PlistDictionary } from '../plist.ts'
import { type PayloadHeader, payload } from './payload.ts'

/** Without DES, 3DES, SHA-1 and the small groups, which iOS 26 no longer has. */
export const ikev2Algorithms = {
  encryption: ['AES-256', 'AES-128-GCM', 'AES-256-GCM', 'ChaCha20Poly1305'],
  integrity: ['SHA2-256', 'SHA2-384', 'SHA2-512'],
  group: [14, 15, 16, 19, 20, 21, 31, 32],
} as const

export const ikev2CertificateTypes = ['RSA', 'ECDSA256', 'ECDSA384', 'ECDSA521'] as const
export type Ikev2CertificateType = typeof ikev2CertificateTypes[number]

export type SecurityAssociation = {
  encryption?: typeof ikev2Algorithms.encryption[number]
  integrity?: typeof ikev2Algorithms.integrity[number]
  group?: typeof ikev2Algorithms.group[number]
  lifetimeMinutes?: number
}

export type Ikev2Fields = {
  userDefinedName: string
  remoteAddress: string
  remoteIdentifier: string
  /** A name that stands in the certificate, or the gateway will not match the two. */
  localIdentifier: string
  /** PayloadUUID of the identity in the same configuration profile. */
  identityUuid: string
  /** Apple takes RSA where it is left out; where it is given, `serverCertificateIssuerCommonName` is needed. */
  certificateType?: Ikev2CertificateType
  serverCertificateIssuerCommonName?: string
  serverCertificateCommonName?: string
  /** Connects by itself whenever there is a network. */
  onDemand?: boolean
  securityAssociation?: SecurityAssociation
}

/** A VPN with certificate authentication (Apple schema com.apple.vpn.managed, VPNType IKEv2). */
export function ikev2Payload(header: PayloadHeader, fields: Ikev2Fields): PlistDictionary {
  const association = associationParameters(fields.securityAssociation ?? {})
  const { certificateType, serverCertificateIssuerCommonName: issuer, serverCertificateCommonName: server } = fields
  return payload('com.apple.vpn.managed', header, {
    VPNType: 'IKEv2',
    UserDefinedName: fields.userDefinedName,
    IKEv2: {
      RemoteAddress: fields.remoteAddress,
      RemoteIdentifier: fields.remoteIdentifier,
      LocalIdentifier: fields.localIdentifier,
      AuthenticationMethod: 'Certificate',
      PayloadCertificateUUID: fields.identityUuid,
      ...certificateType !== undefined && { CertificateType: certificateType },
      ...issuer !== undefined && { ServerCertificateIssuerCommonName: issuer },
      ...server !== undefined && { ServerCertificateCommonName: server },
      EnablePFS: 1,
      IKESecurityAssociationParameters: association,
      ChildSecurityAssociationParameters: association,
      ...fields.onDemand === true && { OnDemandEnabled: 1, OnDemandRules: [{ Action: 'Connect' }] },
    },
  })
}

const associationParameters = (chosen: SecurityAssociation): PlistDictionary => ({
  EncryptionAlgorithm: chosen.encryption ?? 'AES-256-GCM',
  IntegrityAlgorithm: chosen.integrity ?? 'SHA2-256',
  DiffieHellmanGroup: chosen.group ?? 19,
  LifeTimeInMinutes: chosen.lifetimeMinutes ?? 1440,
})
