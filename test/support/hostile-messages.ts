/** Messages to `/ota/{enrollment}` that must be refused: each with the code it is refused with. */
import { readFileSync } from 'node:fs'
import { octetString, oid, sequence, setOf, tlv, tags } from '../../src/formats/der.ts'
import { signData } from '../../src/formats/cms-sign.ts'
import { oids } from '../../src/formats/oids.ts'
import { fromPem } from '../../src/formats/pem.ts'
import { parseCertificate, signCertificate, type Certificate } from '../../src/formats/x509.ts'
import { basicConstraints, subjectKeyIdentifier } from '../../src/formats/extensions.ts'
import { issueDeviceIdentity, type PhoneIdentity } from '../../src/phone/device-identity.ts'
import { newRsaKey, signerOfKey, subjectPublicKeyInfoOf } from '../../src/phone/keys.ts'
import { readDeviceCa, type DeviceCa } from '../../src/phone/make-ca.ts'
import { badContents } from './hostile-contents.ts'
import { badFraming } from './hostile-framing.ts'
import { byHand, signedBy, type HostileMessage } from './hostile-signing.ts'
import { factoryIdentity, plistWith } from './ota-phone.ts'
import { keptRsaKey, phoneKeys } from './kept.ts'
import { attribute, contentType, messageDigest, signedData, signerInfo, withContent } from './signed-data.ts'
import { newSigner, testValidity } from './signers.ts'
import type { World } from './world.ts'

const strangerKey = keptRsaKey(1024, 'stranger')
const shortKey = await newRsaKey(512)

/** All that is wrong while the content would be right: the challenge is the one that was given. */
export async function hostileMessages(world: World, challenge: string): Promise<HostileMessage[]> {
  const identity = await factoryIdentity(world)
  const content = plistWith(challenge)
  return [
    ...await unsignedOrForeign(identity, content),
    ...await wronglySigned(identity, content),
    ...await fromElsewhere(world, content),
    ...await badContents(identity, challenge),
    ...await badFraming(identity, content),
  ]
}

async function unsignedOrForeign(identity: PhoneIdentity, content: Buffer): Promise<HostileMessage[]> {
  const hand = byHand(identity)
  const attributes = () => [contentType(), messageDigest(content)]
  const info = await signerInfo({ identity: hand, attributes: attributes() })
  const certificates = [hand.certificate]
  return [
    { what: 'nothing', code: 'malformed-cms', body: Buffer.alloc(0) },
    { what: 'a property list that nobody signed', code: 'malformed-cms', body: content },
    { what: 'nobody signed it', code: 'cms-signer-count', body: signedData({ content, certificates, signerInfos: [] }) },
    { what: 'the same signer twice', code: 'cms-signer-count', body: signedData({ content, certificates, signerInfos: [info, info] }) },
    {
      what: 'a second signer beside a good one', code: 'cms-signer-count',
      body: signedData({ content, certificates, signerInfos: [info, await signerInfo({ identity: hand, content })] }),
    },
    { what: 'the certificate is missing', code: 'cms-signer-certificate-missing', body: signedData({ content, certificates: [], signerInfos: [info] }) },
    {
      what: 'the certificate of somebody else is there', code: 'cms-signer-certificate-missing',
      body: signedData({ content, certificates: [...identity.chain], signerInfos: [info] }),
    },
    { what: 'the content is detached', code: 'cms-content-missing', body: signedData({ certificates, signerInfos: [info] }) },
    {
      what: 'the content is of another type', code: 'malformed-cms',
      body: signedData({ content, contentType: oids.signedData, certificates, signerInfos: [await signerInfo({ identity: hand, attributes: [contentType(oids.signedData), messageDigest(content)] })] }),
    },
  ]
}

async function wronglySigned(identity: PhoneIdentity, content: Buffer): Promise<HostileMessage[]> {
  const hand = byHand(identity)
  const other = plistWith('another challenge')
  const good = await signedBy({ identity, content }, { encoding: 'der' })
  const bare = await signedBy({ identity, content }, { encoding: 'der', withoutSignedAttributes: true })
  const withAttributes = async (what: string, code: string, attributes: Buffer[], more: Partial<Parameters<typeof signerInfo>[0]> = {}): Promise<HostileMessage> =>
    ({ what, code, body: signedData({ content, certificates: [hand.certificate], signerInfos: [await signerInfo({ identity: hand, attributes, ...more })] }) })
  const lastOctetChanged = Buffer.from(good)
  lastOctetChanged[good.length - 1]! ^= 1
  return [
    { what: 'another content under a valid signature', code: 'cms-digest-mismatch', body: withContent(good, other) },
    { what: 'another content under a signature without attributes', code: 'signature-invalid', body: withContent(bare, other) },
    { what: 'a signature changed in its last bit', code: 'signature-invalid', body: lastOctetChanged },
    { what: 'the signature of another key', code: 'signature-invalid', body: await signedBy({ identity: { ...identity, privateKey: strangerKey }, content }) },
    await withAttributes('no messageDigest', 'cms-signed-attributes-invalid', [contentType()]),
    await withAttributes('a wrong messageDigest', 'cms-digest-mismatch', [contentType(), messageDigest(other)]),
    await withAttributes('two messageDigests', 'cms-signed-attributes-invalid', [contentType(), messageDigest(content), messageDigest(other)]),
    await withAttributes('a messageDigest with two values', 'cms-signed-attributes-invalid', [contentType(), attribute(oids.messageDigest, octetString(Buffer.alloc(32)), octetString(Buffer.alloc(32)))]),
    await withAttributes('a messageDigest without a value', 'cms-signed-attributes-invalid', [contentType(), attribute(oids.messageDigest)]),
    await withAttributes('no contentType', 'cms-signed-attributes-invalid', [messageDigest(content)]),
    await withAttributes('a contentType of another content', 'cms-signed-attributes-invalid', [contentType(oids.signedData), messageDigest(content)]),
    await withAttributes('signed attributes, and none of them', 'cms-signed-attributes-invalid', []),
    await withAttributes('an MD5 digest', 'unsupported-algorithm', [contentType(), messageDigest(content, 'md5')], { digestOid: '1.2.840.113549.2.5' }),
    await withAttributes('a digest by one name and a signature by another', 'unsupported-algorithm', [contentType(), messageDigest(content)], { signatureOid: oids.sha1WithRSAEncryption }),
    await withAttributes('an RSA-PSS signature', 'unsupported-algorithm', [contentType(), messageDigest(content)], { signatureOid: '1.2.840.113549.1.1.10' }),
    await withAttributes('an empty signature', 'signature-invalid', [contentType(), messageDigest(content)], { signature: Buffer.alloc(0) }),
    await withAttributes('a signature of 32 KiB', 'signature-invalid', [contentType(), messageDigest(content)], { signature: Buffer.alloc(32_768, 1) }),
  ]
}

/** Issued by CAs that are not the device CA, however much they look like it. */
async function fromElsewhere(world: World, content: Buffer): Promise<HostileMessage[]> {
  const deviceCa = await readDeviceCa(world.deviceCaDir)
  const [, middle] = deviceCa.chain.map(parseCertificate) as [Certificate, Certificate, Certificate]
  const apple = (name: string): Certificate => parseCertificate(fromPem(readFileSync(new URL(`../../certs/${name}.pem`, import.meta.url), 'utf8'), 'CERTIFICATE')[0]!)
  const names: [string, Certificate][] = [
    ['a CA with the name of the device CA and another key', deviceCa.certificate],
    ['the CA above the device CA', middle],
    ['a CA with the name of Apple’s device CA', apple('apple-iphone-device-ca')],
    ['a CA with the name of Apple’s root', apple('apple-root-ca')],
    ['a CA that nobody heard of', await lookAlike(middle, 'nobody')],
  ]
  const messages: HostileMessage[] = []
  for (const [what, named] of names) {
    const identity = await identityFrom(world, { certificate: named, privateKey: strangerKey, chain: [named.raw, ...deviceCa.chain] })
    messages.push({ what, code: 'device-issuer-unknown', body: await signedBy({ identity, content }) })
  }
  const signer = newSigner('P-256')
  const elliptic = { ...issuedFields(deviceCa.certificate, signer.subjectPublicKeyInfo), extensions: [basicConstraints(false)] }
  const elliptical = await signCertificate(elliptic, signerOfKey(deviceCa.privateKey, 'sha1WithRSAEncryption'))
  const isCa = { ...issuedFields(deviceCa.certificate, subjectPublicKeyInfoOf(phoneKeys.device)), extensions: [basicConstraints(true)] }
  const caIdentity = parseCertificate(await signCertificate(isCa, signerOfKey(deviceCa.privateKey, 'sha1WithRSAEncryption')))
  const weak = await identityFrom(world, deviceCa, shortKey)
  const [leaked] = fromPem(readFileSync(new URL('../data/fixtures/leaked-device-identity.pem', import.meta.url), 'utf8'), 'CERTIFICATE')
  const selfSigned = await identityFrom(world, { certificate: deviceCa.certificate, privateKey: phoneKeys.device, chain: deviceCa.chain })
  return [
    ...messages,
    { what: 'a certificate that signed itself, under the device CA’s name', code: 'device-issuer-unknown', body: await signedBy({ identity: selfSigned, content }) },
    { what: 'a CA under the device CA', code: 'device-certificate-invalid', body: await signedBy({ identity: { certificate: caIdentity, privateKey: phoneKeys.device, chain: [] }, content }) },
    { what: 'a key of 512 bits', code: 'weak-key', body: await signedBy({ identity: weak, content }) },
    { what: 'a key that is not RSA', code: 'unsupported-algorithm', body: await signData({ content, signer, certificate: elliptical }) },
    { what: 'the device CA itself', code: 'device-issuer-unknown', body: await signedBy({ identity: { certificate: deviceCa.certificate, privateKey: deviceCa.privateKey, chain: [] }, content }) },
    { what: 'the identity whose key is public', code: 'device-identity-denied', body: await signedBy({ identity: { certificate: parseCertificate(leaked!), privateKey: strangerKey, chain: [] }, content }) },
    { what: 'the identity whose key is public, and no property list', code: 'device-identity-denied', body: await signedBy({ identity: { certificate: parseCertificate(leaked!), privateKey: strangerKey, chain: [] }, content: Buffer.from('?') }) },
    { what: 'an issuer nobody knows, and no property list', code: 'device-issuer-unknown', body: await signedBy({ identity: await identityFrom(world, { certificate: middle, privateKey: strangerKey, chain: [] }), content: Buffer.from('<plist>') }) },
    { what: 'an issuer nobody knows, and a wrong digest', code: 'device-issuer-unknown', body: withContent(await signedBy({ identity: await identityFrom(world, { certificate: middle, privateKey: strangerKey, chain: [] }), content }, { encoding: 'der' }), Buffer.from('x')) },
  ]
}

const identityFrom = async (world: World, ca: DeviceCa, key = phoneKeys.device): Promise<PhoneIdentity> => await issueDeviceIdentity(ca, world.service.now(), key)

const issuedFields = (issuer: Certificate, subjectPublicKeyInfo: Buffer) =>
  ({ serialNumber: '4a4a4a4a4a4a4a4a4a4a', issuer: issuer.subject.raw, subject: issuer.subject.raw, ...testValidity, subjectPublicKeyInfo })

async function lookAlike(issuer: Certificate, name: string): Promise<Certificate> {
  const subject = sequence(setOf(sequence(oid(oids.commonName), tlv(tags.utf8String, Buffer.from(name)))))
  const subjectPublicKeyInfo = subjectPublicKeyInfoOf(strangerKey)
  return parseCertificate(await signCertificate({
    ...issuedFields(issuer, subjectPublicKeyInfo), subject, extensions: [basicConstraints(true), subjectKeyIdentifier(subjectPublicKeyInfo)],
  }, signerOfKey(strangerKey, 'sha1WithRSAEncryption')))
}
