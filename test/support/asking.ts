/** What front ends and OCSP clients are told about a phone, at whichever instance. */
import { parseCertificate, type Certificate } from '../../src/formats/x509.ts'
import type { Issued } from './issued.ts'
import { ocspRequestFor, ocspStatusIn } from './ocsp.ts'

export type Asking = {
  /** The status of `/check`. */
  check(url: string, phone: Issued): Promise<number>
  /** `none` where nothing is signed. */
  ocsp(url: string, phone: Issued): Promise<ReturnType<typeof ocspStatusIn>>
}

/** @param url  where the issuing CA's certificate is asked for; @param secret  of the front end `edge` */
export async function askingFrom(url: string, secret: string): Promise<Asking> {
  const issuer: Certificate = parseCertificate(Buffer.from(await (await fetch(`${url}/ca/issuing.cer`)).arrayBuffer()))
  return {
    async check(url, { pem }) {
      const response = await fetch(`${url}/check/edge`, { headers: { authorization: `Bearer ${secret}`, 'x-ssl-client-escaped-cert': encodeURIComponent(pem) } })
      await response.arrayBuffer()
      return response.status
    },
    async ocsp(url, { serialNumber }) {
      const response = await fetch(`${url}/ocsp/issuing`, { method: 'POST', headers: { 'content-type': 'application/ocsp-request' }, body: new Uint8Array(ocspRequestFor(issuer, serialNumber)) })
      if (response.status !== 200) throw new Error(`OCSP: ${response.status}`)
      return ocspStatusIn(Buffer.from(await response.arrayBuffer()))
    },
  }
}
