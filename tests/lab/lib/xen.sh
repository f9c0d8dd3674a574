# SPDX-License-Identifier: GPL-2.0-or-later
# Reading Xen and xenstore.

# domid_of NAME: a guest's domain id.
domid_of()
{
    xl domid "$1"
}

# pages_of DOMID: the pages the domain has (nr_pages), from Xen.
pages_of()
{
    lab-domain pages "$1"
}

# limit_of DOMID: the pages the domain may have (max_pages), from Xen.
limit_of()
{
    lab-domain limit "$1"
}

# hypervisor_log: Xen's console, guests' firmware included, since the scenario
# began.
hypervisor_log()
{
    tail -c "+$((LAB_HYPERVISOR_LOG_START + 1))" "$LAB_HYPERVISOR_LOG"
}

# over_allocations [DOMID]: how many times in this scenario the domain, or any
# domain, was refused a page because of its limit.
over_allocations()
{
    hypervisor_log | grep -c "Over-allocation for d${1:-[0-9]*}:" || :
}

# hypervisor_says TEXT: a line of the log has the text in it.
hypervisor_says()
{
    hypervisor_log | grep -qF -e "$1"
}

# node PATH: a value from xenstore; fails if there is none.
node()
{
    xenstore-read "$1" 2> /dev/null
}

# nodes PATH: how many nodes are there, the path's own included.
nodes()
{
    xenstore-ls -f "$1" 2> /dev/null | wc -l
}

# no_domain DOMID: there is no such domain, nor one that is dying.
no_domain()
{
    ! lab-domain pages "$1"
}
