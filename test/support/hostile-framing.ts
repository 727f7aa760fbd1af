import { bitString, contextTag, explicit, integer, nullValue, octetString, oid, sequence, setOf, tags, tlv } from '../../src/formats/der.ts'
import { indefinite } from '../../src/formats/ber.ts'
import { oids } from '../../src/formats/oids.ts'
import type { PhoneIdentity } from '../../src/phone/device-identity.ts'
import { byHand, signedBy, type HostileMessage } from './hostile-signing.ts'
import { attribute, contentType, messageDigest, signedData, signerInfo } from './signed-data.ts'

/** What is wrong about the bytes themselves. */
export async function badFraming(identity: PhoneIdentity, content: Buffer): Promise<HostileMessage[]> {
  const ber = await signedBy({ identity, content }, { encoding: 'ber' })
  const der = await signedBy({ identity, content }, { encoding: 'der' })
  const wrapped = (depth: number, tag: number): Buffer => {
    let inner: Buffer = octetString(Buffer.from('x'))
    for (let i = 0; i < depth; i++) inner = tlv(tag, inner)
    return inner
  }
  const hand = byHand(identity)
  const info = await signerInfo({ identity: hand, attributes: [contentType(), messageDigest(content)] })
  const manyCertificates = Array.from({ length: 33 }, () => identity.certificate.raw)
  const asSignedData = (...parts: Buffer[]): Buffer => sequence(oid(oids.signedData), explicit(0, sequence(...parts)))
  const malformed: [string, Buffer][] = [
    ['something after the end', Buffer.concat([der, Buffer.from([0])])],
    ['something after the end of contents', Buffer.concat([ber, Buffer.alloc(2)])],
    ['two messages', Buffer.concat([der, der])],
    ['a length of 2 GiB', Buffer.concat([Buffer.from('30847fffffff', 'hex'), der.subarray(4)])],
    ['a length of 4 GiB', Buffer.concat([Buffer.from('3084ffffffff', 'hex'), der.subarray(4)])],
    ['a length of eight octets', Buffer.concat([Buffer.from('308800000000ffffffff', 'hex'), der.subarray(4)])],
    ['a length of 127 octets', Buffer.concat([Buffer.from('30ff', 'hex'), Buffer.alloc(127, 1), der.subarray(4)])],
    ['sequences inside sequences', wrapped(10_000, tags.sequence)],
    ['octet strings inside octet strings', wrapped(10_000, 0x24)],
    ['indefinite lengths inside indefinite lengths', Buffer.alloc(60_000, Buffer.from('3080', 'hex'))],
    ['indefinite octet strings inside each other', Buffer.alloc(60_000, Buffer.from('2480', 'hex'))],
    ['nothing but ends of contents', Buffer.alloc(60_000)],
    ['30,000 empty elements', tlv(tags.sequence, Buffer.alloc(60_000, Buffer.from('0500', 'hex')))],
    ['a long tag', Buffer.from('3f8101820500', 'hex')],
    ['text', Buffer.from('-----BEGIN PKCS7-----\n')],
    ['another content type', sequence(oid(oids.envelopedData), explicit(0, sequence(integer(0))))],
    ['more certificates than any chain has', signedData({ content, certificates: manyCertificates, signerInfos: [info] })],
    ['a version of 100 octets', asSignedData(integer(Buffer.alloc(100, 1)), setOf())],
    ['an object identifier of 30,000 octets', sequence(tlv(tags.oid, Buffer.alloc(30_000, 0x81)), explicit(0, sequence()))],
    ['certificates that are none', signedData({ content, certificates: Array.from({ length: 32 }, () => sequence(bitString(Buffer.alloc(1_000)))), signerInfos: [info] })],
    ['30,000 signed attributes that are none', asSignedData(
      integer(1), setOf(), sequence(oid(oids.data), explicit(0, octetString(content))), tlv(contextTag(0), hand.certificate),
      setOf(sequence(integer(1), sequence(), sequence(oid(oids.sha256)), tlv(contextTag(0), Buffer.alloc(50_000, Buffer.from('0500', 'hex'))), sequence(oid(oids.rsaEncryption)), octetString(Buffer.alloc(128)))),
    )],
  ]
  const manySigners = signedData({ content, certificates: [], signerInfos: Array.from({ length: 120 }, () => info) })
  const skid = tlv(0x80, Buffer.alloc(20, 7))
  return [
    ...malformed.map(([what, body]) => ({ what, code: 'malformed-cms', body })),
    { what: 'hundreds of signers', code: 'cms-signer-count', body: manySigners },
    {
      what: 'a key identifier that no certificate has', code: 'cms-signer-certificate-missing',
      body: signedData({ content, certificates: manyCertificates.slice(1), signerInfos: [await signerInfo({ identity: hand, attributes: [contentType(), messageDigest(content)], sid: skid })] }),
    },
    { what: 'thousands of attributes', code: 'cms-signed-attributes-invalid', body: signedData({ content, certificates: [hand.certificate], signerInfos: [await signerInfo({ identity: hand, attributes: Array.from({ length: 2_000 }, () => attribute(oids.signingTime, nullValue)) })] }) },
    { what: 'more than 64 KiB', code: 'body-too-large', body: await signedBy({ identity, content: Buffer.alloc(65_536, 0x20) }) },
    { what: 'more than 64 KiB of indefinite lengths', code: 'body-too-large', body: indefinite(tags.sequence, Buffer.alloc(65_534)) },
  ]
}
