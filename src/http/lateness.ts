/** What signs until when, and what should have been renewed by itself and was not. */
import { signersFor } from '../certificates/authority.ts'
import { crlFileStore } from '../store/crls.ts'
import type { Service } from './service.ts'

export type Signing = { authority: string, purpose: string, notAfter: Date, late: boolean }
export type NewestList = { authority: string, crlNumber: number, thisUpdate: Date, nextUpdate: Date, late: boolean }

/** A signer is renewed a while before its end: one with less than a tenth of its life left was not. */
export function signersNow(service: Service): Signing[] {
  const [authorities, now] = [service.authorities(), service.now()]
  return authorities.all.filter(({ active }) => active).flatMap(authority => [
    { authority: authority.name, purpose: 'authority', certificate: authority.certificate },
    ...(['scep-ra', 'ocsp-responder', 'profile-signer'] as const).flatMap(purpose => signersFor(authorities, authority.id, purpose).slice(0, 1))
      .map(({ purpose, certificate }) => ({ authority: authority.name, purpose, certificate })),
  ]).map(({ authority, purpose, certificate: { notBefore, notAfter } }) => ({
    authority, purpose, notAfter, late: notAfter.getTime() - now.getTime() < (notAfter.getTime() - notBefore.getTime()) / 10,
  }))
}

/** The newest list of each authority that may still be asked. */
export async function listsNow(service: Service): Promise<NewestList[]> {
  const now = service.now()
  const found: NewestList[] = []
  for (const authority of service.authorities().all) {
    const list = await crlFileStore(service.db).newest(authority.id, 'complete')
    if (list === undefined || authority.certificate.notAfter < now) continue
    const life = list.nextUpdate.getTime() - list.thisUpdate.getTime()
    found.push({ authority: authority.name, crlNumber: list.crlNumber, thisUpdate: list.thisUpdate, nextUpdate: list.nextUpdate, late: list.nextUpdate.getTime() - now.getTime() < life / 4 })
  }
  return found
}
