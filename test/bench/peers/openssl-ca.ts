/** A CA of the openssl command: a folder with index.txt, as `openssl ca` and `openssl ocsp` read it. */
import { createWriteStream } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { finished } from 'node:stream/promises'
import { extendedKeyUsage, keyUsage } from '../../../src/formats/extensions.ts'
import { toPem } from '../../../src/formats/pem.ts'
import { parseCertificate, type Certificate } from '../../../src/formats/x509.ts'
import { issueTestCertificate, newAuthority, newSigner } from '../../support/signers.ts'
import { pemOfKey } from './files.ts'

export type OpensslCa = { folder: string, certificate: Certificate, config: string, index: string, signer: string, signerKey: string }

/** @param serialNumbers  of all that were issued, in the order of the index; the last `revoked` of them are revoked */
export async function opensslCa(folder: string, serialNumbers: Iterable<Buffer>, goodCount: number): Promise<OpensslCa> {
  await mkdir(folder, { recursive: true })
  const file = (name: string): string => join(folder, name)
  const ca = await newAuthority('Bench openssl CA')
  const signer = newSigner()
  await writeFile(file('ca.pem'), toPem('CERTIFICATE', ca.certificate))
  await writeFile(file('ca-key.pem'), pemOfKey(ca.signer.privateKey))
  await writeFile(file('ocsp.pem'), toPem('CERTIFICATE', await issueTestCertificate(ca, '0c01', signer, [keyUsage('digitalSignature'), extendedKeyUsage('1.3.6.1.5.5.7.3.9')])))
  await writeFile(file('ocsp-key.pem'), pemOfKey(signer.privateKey))
  await writeFile(file('crlnumber'), '01\n')
  await writeFile(file('ca.cnf'), `[ca]\ndefault_ca = bench\n[bench]\ndatabase = ${file('index.txt')}\ncrlnumber = ${file('crlnumber')}\ncertificate = ${file('ca.pem')}\nprivate_key = ${file('ca-key.pem')}\ndefault_md = sha256\ndefault_crl_days = 7\ncrl_extensions = crl\n[crl]\nauthorityKeyIdentifier = keyid\n`)
  await writeIndex(file('index.txt'), serialNumbers, goodCount)
  return { folder, certificate: parseCertificate(ca.certificate), config: file('ca.cnf'), index: file('index.txt'), signer: file('ocsp.pem'), signerKey: file('ocsp-key.pem') }
}

async function writeIndex(path: string, serialNumbers: Iterable<Buffer>, goodCount: number): Promise<void> {
  const out = createWriteStream(path)
  let [n, lines]: [number, string[]] = [0, []]
  for (const serialNumber of serialNumbers) {
    const state = n++ < goodCount ? 'V\t491231235959Z\t' : 'R\t491231235959Z\t260101000000Z,keyCompromise'
    lines.push(`${state}\t${serialNumber.toString('hex').toUpperCase()}\tunknown\t/CN=${n}\n`)
    if (lines.length < 10_000) continue
    if (!out.write(lines.join(''))) await new Promise<void>(resolve => { out.once('drain', resolve) })
    lines = []
  }
  out.end(lines.join(''))
  await finished(out)
}
