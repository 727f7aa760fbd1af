/** Whom an agent asks for at the service's door for agents. Reserved (RFC 6761 §6.4): the door is known by the CA of agents, whatever its address is. */
export const agentDoorName = 'agents.latchkey.invalid'
