/* The controllers of Kubernetes that the operator relies on: Jobs and their pods (and what Kaniko
 * pushes), Deployments, load balancer addresses, the garbage collector.
 */
#ifndef TESTS_SIM_CONTROLLERS_H
#define TESTS_SIM_CONTROLLERS_H

struct change;
struct sim;

/* Every change passes here. */
void controllers_see(struct sim *s, const struct change *c);

#endif
