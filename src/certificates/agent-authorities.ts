/**
 * How the CA of agents is followed by another without anybody being locked out. Its successor is made a year before it
 * ends, and certifies agents from then on; the door goes on showing a certificate of the old one until half a year before
 * that. An agent's certificate lives 90 days, so whoever may still come then was told of the successor since it was made.
 */
import { activeAuthority, type Authorities, type Authority } from './authority.ts'
import { days } from './certificate-profile.ts'

const successorDays = 365
const doorDays = 180

export const needsSuccessor = ({ certificate }: Authority, now: Date): boolean => certificate.notAfter.getTime() - now.getTime() < days(successorDays)

/** Those whose certificates count, oldest first. */
export const agentAuthorities = ({ all }: Authorities, now: Date): Authority[] =>
  all.filter(({ role, certificate }) => role === 'agent' && now <= certificate.notAfter).sort((a, b) => a.id - b.id)

/** Whose certificate the door shows: the oldest that every agent knows. */
export const doorAuthority = (authorities: Authorities, now: Date): Authority =>
  agentAuthorities(authorities, now).find(({ certificate }) => certificate.notAfter.getTime() - now.getTime() >= days(doorDays)) ?? activeAuthority(authorities, 'agent')
