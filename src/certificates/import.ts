/** Bringing one's own root or issuing CA: everything that would make a phone or a front end refuse it later is refused now. */
import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto'
import { CaError } from '../errors.ts'
import { parseCrl, verifyCrl, type Crl } from '../formats/crl.ts'
import { readBasicConstraints, readCrlNumber, readDeltaCrlIndicator, readIssuingDistributionPoint, readKeyUsage } from '../formats/extension-readers.ts'
import { fromPem } from '../formats/pem.ts'
import { isIssuedBy, type Certificate } from '../formats/x509.ts'
import { parseCaCertificate } from './hierarchy.ts'
import { sha256 } from './issue.ts'
import type { NewCrl } from './publish.ts'

/** `issuing` is left out when only a root is brought; we then make the issuing CA. */
export type ImportedChain = { root: Certificate, issuing: Certificate | undefined }

const invalid = (why: string, cause?: unknown): CaError => new CaError('authority-import-invalid', why, { cause })

/**
 * Reads the certificates: a root alone, an issuing CA and its root, or an issuing CA of a root that is here already.
 *
 * @throws {CaError} authority-import-invalid
 */
export function parseImportedChain(pem: string, knownRoots: readonly Certificate[], now: Date): ImportedChain {
  const certificates = fromPem(pem, 'CERTIFICATE').map(parseCaCertificate)
  const [first, second] = certificates
  if (first === undefined || certificates.length > 2) throw invalid('give one or two certificates: the issuing CA, then its root')
  for (const certificate of certificates) checkCa(certificate, now)
  if (isSelfSigned(first)) {
    if (second !== undefined) throw invalid('the first certificate is a root; the issuing CA must stand before it')
    checkRoot(first)
    return { root: first, issuing: undefined }
  }
  const root = second ?? knownRoots.find(known => known.subject.raw.equals(first.issuer.raw) && isIssuedBy(first, known.publicKey))
  if (root === undefined) throw invalid('the root of this issuing CA is not here: give its certificate too')
  if (!isSelfSigned(root)) throw invalid('the second certificate is not a self-signed root')
  checkRoot(root)
  checkIssuing(first, root)
  return { root, issuing: first }
}

/**
 * Written anew: the certificate's own bytes may say the same key in another way. Not compared by KeyObject.equals, which
 * leaves an error behind in OpenSSL's queue when one key is RSA and the other EC, and the next key cannot be opened.
 */
const spkiOf = ({ publicKey }: Certificate): Buffer => publicKey.export({ type: 'spki', format: 'der' })

/**
 * Lists and OCSP answers are told apart by the issuer's name, and believed by its key: two authorities with one of
 * them in common would each seem to answer for the other.
 *
 * @throws {CaError} authority-exists
 */
export function assertDistinct(brought: readonly Certificate[], present: readonly Certificate[]): void {
  const others = [...present]
  for (const certificate of brought) {
    if (others.some(other => spkiOf(other).equals(spkiOf(certificate)))) throw new CaError('authority-exists', 'another authority has the same key')
    if (others.some(other => other.subject.raw.equals(certificate.subject.raw))) throw new CaError('authority-exists', 'another authority has the same name')
    others.push(certificate)
  }
}

const isSelfSigned = (certificate: Certificate): boolean =>
  certificate.subject.raw.equals(certificate.issuer.raw) && isIssuedBy(certificate, certificate.publicKey)

function checkCa(certificate: Certificate, now: Date): void {
  if (readBasicConstraints(certificate)?.ca !== true) throw invalid('a certificate is not that of a CA: basicConstraints does not say so')
  if (now < certificate.notBefore || certificate.notAfter <= now) throw invalid('a certificate is outside its dates')
  const { asymmetricKeyType, asymmetricKeyDetails } = certificate.publicKey
  const { namedCurve, modulusLength = 0 } = asymmetricKeyDetails ?? {}
  const strong = asymmetricKeyType === 'rsa' ? modulusLength >= 2048 : ['prime256v1', 'secp384r1'].includes(namedCurve ?? '')
  if (!strong) throw invalid('a CA’s key must be P-256, P-384, or RSA of at least 2048 bits')
  if (certificate.signatureAlgorithm === 'sha1WithRSAEncryption' && !isSelfSigned(certificate)) throw invalid('the issuing CA is signed with SHA-1')
}

function checkRoot(root: Certificate): void {
  const usage = readKeyUsage(root)
  if (usage !== undefined && !(usage.includes('keyCertSign') && usage.includes('cRLSign'))) throw invalid('the root’s keyUsage must allow keyCertSign and cRLSign')
  if (readBasicConstraints(root)?.pathLenConstraint === 0) throw invalid('the root’s pathLenConstraint leaves no room for an issuing CA')
}

function checkIssuing(issuing: Certificate, root: Certificate): void {
  if (!issuing.issuer.raw.equals(root.subject.raw) || !isIssuedBy(issuing, root.publicKey)) throw invalid('the issuing CA is not signed by this root')
  const usage = readKeyUsage(issuing) ?? []
  if (!usage.includes('keyCertSign') || !usage.includes('cRLSign')) throw invalid('the issuing CA’s keyUsage must have keyCertSign and cRLSign')
  if (usage.length > 2) {
    // A SCEP client picks its partner by these bits alone, and would take the CA for the registration authority.
    throw invalid('the issuing CA’s keyUsage must have keyCertSign and cRLSign only: with digitalSignature or keyEncipherment, phones take the CA for the SCEP registration authority and enrollment fails')
  }
}

/**
 * Opens a private key in PKCS#8 PEM and checks that it is the certificate's.
 *
 * @throws {CaError} key-passphrase-wrong, authority-import-invalid, invalid-argument for a passphrase that opens nothing
 */
export function openImportedKey(pem: string, passphrase: string | undefined, certificate: Certificate): KeyObject {
  const encrypted = pem.includes('-----BEGIN ENCRYPTED PRIVATE KEY-----')
  if (!encrypted && !pem.includes('-----BEGIN PRIVATE KEY-----')) throw invalid('the private key must be PKCS#8 in PEM (PRIVATE KEY or ENCRYPTED PRIVATE KEY)')
  if (!encrypted && passphrase !== undefined) throw new CaError('invalid-argument', 'a passphrase is given for a private key that is not encrypted')
  if (encrypted && passphrase === undefined) throw new CaError('key-passphrase-wrong', 'the private key is encrypted: its passphrase is needed')
  const privateKey = readPrivateKey(pem, passphrase, encrypted)
  const publicKey = createPublicKey(privateKey).export({ type: 'spki', format: 'der' })
  if (!publicKey.equals(certificate.publicKey.export({ type: 'spki', format: 'der' }))) throw invalid('the private key does not belong to the certificate')
  return privateKey
}

function readPrivateKey(pem: string, passphrase: string | undefined, encrypted: boolean): KeyObject {
  try {
    return createPrivateKey({ key: pem, format: 'pem', ...passphrase === undefined ? {} : { passphrase } })
  } catch (cause) {
    if (encrypted) throw new CaError('key-passphrase-wrong', 'the passphrase does not open the private key', { cause })
    throw invalid('the private key cannot be read', cause)
  }
}

/**
 * Checks a list that a root signed elsewhere, to be published as it is.
 *
 * @param least  the number it must at least have
 * @throws {CaError} authority-import-invalid
 */
export function parseRootCrl(pem: string, root: Certificate, least: number, now: Date): NewCrl {
  const [der, ...more] = fromPem(pem, 'X509 CRL')
  if (der === undefined || more.length > 0) throw invalid('give one X509 CRL in PEM')
  const crl = readCrl(der)
  if (!crl.issuer.raw.equals(root.subject.raw) || !verifyCrl(crl, root.publicKey)) throw invalid('the list is not signed by this root')
  if (now < crl.thisUpdate || crl.nextUpdate <= now) throw invalid('the list is outside its dates')
  if (readDeltaCrlIndicator(crl) !== undefined || readIssuingDistributionPoint(crl) !== undefined) throw invalid('the list must be a complete one, neither a delta nor a part')
  const crlNumber = Number(readCrlNumber(crl) ?? BigInt(least))
  if (!Number.isSafeInteger(crlNumber) || crlNumber < least) throw invalid(`the list’s number must be at least ${least}`)
  return {
    scope: 'complete', partition: 0, crlNumber, baseCrlNumber: null, thisUpdate: crl.thisUpdate, nextUpdate: crl.nextUpdate, changeNumber: 0,
    entries: crl.countEntries(), der, sha256: sha256(der),
  }
}

function readCrl(der: Buffer): Crl {
  try {
    return parseCrl(der)
  } catch (cause) {
    throw invalid('the list cannot be read', cause)
  }
}

/**
 * A root's list never goes back: an older one, replayed, would make good again what the root took back since.
 *
 * @param mayNotLeave  serial numbers that stay whatever else was dropped; undefined: every entry stays
 * @throws {CaError} authority-import-invalid
 */
export function assertFollows(next: NewCrl, previous: { der: Buffer, thisUpdate: Date, crlNumber: number }, mayNotLeave?: ReadonlySet<string>): void {
  if (next.thisUpdate <= previous.thisUpdate) throw invalid('the list is not newer than the one that is here')
  if (next.crlNumber <= previous.crlNumber) throw invalid(`the list’s number must be at least ${previous.crlNumber + 1}`)
  const [before, after] = [parseCrl(previous.der), parseCrl(next.der)]
  if (readCrlNumber(before) !== undefined && readCrlNumber(after) === undefined) throw invalid('the list has no number, and the one before has')
  const named = new Set([...after.entries()].map(({ serialNumber }) => serialNumber))
  for (const { serialNumber } of before.entries()) {
    if (named.has(serialNumber) || mayNotLeave?.has(serialNumber) === false) continue
    throw invalid(`the list does not name ${serialNumber}, which the one before does`)
  }
}

/** @throws {CaError} authority-import-invalid when the root has taken this CA back */
export function assertNotListed(crl: Pick<NewCrl, 'der'>, issuing: Certificate): void {
  for (const entry of parseCrl(crl.der).entries()) {
    if (entry.serialNumber === issuing.serialNumber) throw invalid('the root’s list says that this issuing CA is revoked')
  }
}
