/** The few things that everybody who furnishes the company does: invite, enroll, let time pass. */
import { createHash } from 'node:crypto'
import type { Actor } from '../../src/http/actor.ts'
import { publishDue, renewDueSigners } from '../../src/http/upkeep.ts'
import { renewRootLists } from '../../src/http/root-lists.ts'
import { enrollPhone, type EnrollOptions, type EnrollOutcome } from '../../src/phone/enroll.ts'
import { inviteCreate } from '../../src/protocols/api/operations/invitations.ts'
import { addressOf } from './company-data.ts'
import { phoneKeys } from './kept.ts'
import type { TestService } from './service.ts'

export const ada: Actor = { name: 'Ada Marsh', role: 'admin', source: 'console' }
export type Yard = { service: TestService, url: string, deviceCaDir: string }

export async function upkeep(service: TestService): Promise<void> {
  await renewDueSigners(service)
  await renewRootLists(service)
  await publishDue(service)
}

/** @returns the link */
export async function invite({ service }: Yard, name: string, more: object = {}): Promise<{ id: string, link: string, token: string }> {
  const { id, url } = await inviteCreate.run(service, ada, inviteCreate.input.parse({ name, email: addressOf(name), template: 'northwind-mail', ...more }))
  return { id, link: url, token: url.split('/').at(-1)! }
}

export async function enroll({ service, deviceCaDir }: Yard, link: string, options: Partial<EnrollOptions>): Promise<EnrollOutcome> {
  return await enrollPhone({ link, product: 'iPhone14,5', build: '22G6100', serial: 'F2LTESTTEST1', deviceCaDir, now: service.now, keys: phoneKeys, ...options })
}

const letters = '0123456789CDFGHJKLMNPQRTVWXY'
/** Twelve characters, as Apple's are; another number, another phone. */
export const serialOf = (number: number): string => `F${[...createHash('sha256').update(`phone ${number}`).digest().subarray(0, 11)].map(byte => letters[byte % letters.length]).join('')}`
