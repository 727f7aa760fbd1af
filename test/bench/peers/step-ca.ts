/** Smallstep's step-ca (github.com/smallstep/certificates), with its settings as `step ca init` leaves them but for the addresses. */
import { createHash, generateKeyPairSync, randomUUID, sign } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { keyUsage } from '../../../src/formats/extensions.ts'
import { toPem } from '../../../src/formats/pem.ts'
import { freePort } from '../../support/free-port.ts'
import { issueTestCertificate, newAuthority, newSigner } from '../../support/signers.ts'
import { startProgram } from '../processes.ts'
import type { Stage } from '../stage.ts'
import { pemOfKey } from './files.ts'

export type StepStore = { type: 'badgerv2' } | { type: 'postgresql', url: string }
/** @property tokenFor  a one-time token that lets one certificate be signed, for this name; @property scepUrl  where it answers SCEP */
export type StepCa = { port: number, pid: number, scepUrl: string, scepPort: number, challenge: string, tokenFor(name: string): string }

const provisioner = 'bench'
const challenge = 'a challenge that all have'
/** As the phones' messages have it, so that all are answered alike. */
const aes128 = 1

export async function stepCa(stage: Stage, program: string, store: StepStore): Promise<StepCa> {
  const folder = await stage.folder()
  const [port, scepPort] = [await freePort(), await freePort()]
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const key = { ...publicKey.export({ format: 'jwk' }), use: 'sig', alg: 'ES256', kid: 'bench' }
  const root = await newAuthority('Bench Root CA')
  const issuing = await newAuthority('Bench Intermediate CA', root)
  // Its keys of P-256 cannot decrypt, so SCEP has one of RSA beside them, as ours does.
  const decrypter = newSigner('rsa2048')
  const decrypterCertificate = await issueTestCertificate(issuing, '4d01', decrypter, [keyUsage('digitalSignature', 'keyEncipherment')])
  await writeFile(join(folder, 'root.pem'), toPem('CERTIFICATE', root.certificate))
  await writeFile(join(folder, 'issuing.pem'), toPem('CERTIFICATE', issuing.certificate))
  await writeFile(join(folder, 'issuing-key.pem'), pemOfKey(issuing.signer.privateKey))
  await mkdir(join(folder, 'db'))
  const base64 = (pem: string): string => Buffer.from(pem).toString('base64')
  await writeFile(join(folder, 'ca.json'), JSON.stringify({
    root: join(folder, 'root.pem'), crt: join(folder, 'issuing.pem'), key: join(folder, 'issuing-key.pem'), address: `127.0.0.1:${port}`, insecureAddress: `127.0.0.1:${scepPort}`,
    dnsNames: ['127.0.0.1'], db: dbOf(store, join(folder, 'db')),
    authority: {
      provisioners: [
        { type: 'JWK', name: provisioner, key },
        {
          type: 'SCEP', name: 'scep', challenge, minimumPublicKeyLength: 2048, encryptionAlgorithmIdentifier: aes128,
          decrypterCertificate: base64(toPem('CERTIFICATE', decrypterCertificate)), decrypterKeyPEM: base64(pemOfKey(decrypter.privateKey)),
        },
      ],
    },
  }))
  const { pid } = await startProgram(stage.t, program, [join(folder, 'ca.json')], port)
  const sha = createHash('sha256').update(root.certificate).digest('hex')
  const tokenFor = (name: string): string => {
    const now = Math.floor(Date.now() / 1000)
    const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
    const claims = { aud: `https://127.0.0.1:${port}/1.0/sign`, iss: provisioner, sub: name, sans: [name], nbf: now, iat: now, exp: now + 3600, jti: randomUUID(), sha }
    const signed = `${part({ alg: 'ES256', kid: key.kid, typ: 'JWT' })}.${part(claims)}`
    return `${signed}.${sign('sha256', Buffer.from(signed), { key: privateKey, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`
  }
  return { port, pid, scepPort, scepUrl: `http://127.0.0.1:${scepPort}/scep/scep`, challenge, tokenFor }
}

function dbOf(store: StepStore, folder: string): object {
  if (store.type === 'badgerv2') return { type: 'badgerv2', dataSource: folder }
  const url = new URL(store.url)
  const database = url.pathname.slice(1)
  url.pathname = '/'
  return { type: 'postgresql', dataSource: url.href, database }
}
