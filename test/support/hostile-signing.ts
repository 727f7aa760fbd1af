/** How a phone signs, for messages that are wrong elsewhere. */
import { signData } from '../../src/formats/cms-sign.ts'
import type { PhoneIdentity } from '../../src/phone/device-identity.ts'
import { signerOfKey } from '../../src/phone/keys.ts'

export type HostileMessage = { what: string, code: string, body: Buffer }

type Parts = { identity: PhoneIdentity, content: Buffer, digest?: 'sha1' | 'sha256' }

export const signedBy = async ({ identity, content, digest = 'sha1' }: Parts, more: { withoutSignedAttributes?: boolean, encoding?: 'ber' | 'der' } = {}): Promise<Buffer> =>
  await signData({
    content, signer: signerOfKey(identity.privateKey, `${digest}WithRSAEncryption`), certificate: identity.certificate.raw, extraCertificates: identity.chain, ...more,
  })

/** For the messages put together by hand. */
export const byHand = (identity: PhoneIdentity) => ({ signer: signerOfKey(identity.privateKey, 'sha256WithRSAEncryption'), certificate: identity.certificate.raw })
