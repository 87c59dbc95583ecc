# MUST NOT: reach parts of the kernel that no mathematics needs
# CHECK: -
import ctypes,errno,platform
l=ctypes.CDLL(None,use_errno=True)
calls={'modify_ldt':154,'iopl':172,'ioperm':173,'init_module':175,'finit_module':313,'kexec_load':246,'bpf':321,'userfaultfd':323,
 'perf_event_open':298,'io_uring_setup':425,'keyctl':250,'add_key':248,'request_key':249,'memfd_create':319,'memfd_secret':447,'shmget':29,'semget':64,
 'msgget':68,'mq_open':240,'inotify_init1':294,'fanotify_init':300,'setns':308,'unshare':272,'mount':165,'umount2':166,'pivot_root':155,
 'chroot':161,'open_tree':428,'move_mount':429,'fsopen':430,'fsconfig':431,'fsmount':432,'fspick':433,'mount_setattr':442,'open_by_handle_at':304,
 'name_to_handle_at':303,'process_vm_readv':310,'process_madvise':440,'process_mrelease':448,'pidfd_open':434,'pidfd_send_signal':424,'pidfd_getfd':438,
 'ptrace':101,'personality':135,'seccomp':317,'landlock_create_ruleset':444,'prctl':157,'arch_prctl':158,'setpriority':141,'sched_setaffinity':203,
 'sched_setscheduler':144,'sched_setattr':314,'ioprio_set':251,'migrate_pages':256,'move_pages':279,'mbind':237,'set_mempolicy':238,'splice':275,'tee':276,
 'vmsplice':278,'timerfd_create':283,'timer_create':222,'signalfd4':289,'eventfd2':290,'epoll_create':213,'kcmp':312,'syslog':103,'acct':163,'swapon':167,'reboot':169,
 'sethostname':170,'quotactl':179,'lookup_dcookie':212,'clock_settime':227,'clock_adjtime':305,'adjtimex':159,'settimeofday':164,'setuid':105,
 'setgid':106,'setgroups':116,'setresuid':117,'setfsuid':122,'capset':126,'capget':125,'setpgid':109,'setsid':112,'sendto':44,'recvfrom':45,'sendmsg':46,
 'recvmsg':47,'sendmmsg':307,'socket':41,'connect':42,'bind':49,'listen':50,'accept4':288,'execve':59,'execveat':322,'flock':73,'link':86,'symlink':88,
 'symlinkat':266,'linkat':265,'mknod':133,'mknodat':259,'chmod':90,'fchmod':91,'fchmodat':268,'fchmodat2':452,'chown':92,'fchown':93,'truncate':76,
 'utimensat':280,'setxattr':188,'getxattr':191,'listxattr':194,'fallocate':285,'copy_file_range':326,'openat2':437,'sync':162,'syncfs':306,'mlock':149,'mlockall':151,
 'remap_file_pages':216,'pkey_alloc':330,'membarrier':324,'mincore':27,'rt_sigqueueinfo':129,'rt_tgsigqueueinfo':297,'restart_unknown':600,'vhangup':153,
 'get_robust_list':274,'set_tid_address':218,'futex_waitv':449,'cachestat':451,'map_shadow_stack':453,'statmount':457,'listmount':458,'lsm_get_self_attr':459}
if platform.machine()=='x86_64':
    for name,number in calls.items():
        ctypes.set_errno(0)
        result=l.syscall(number,-1,0,0,0,0,0)
        if result>=0 or ctypes.get_errno()!=errno.EPERM: print('ESCAPED reached',name,result,ctypes.get_errno())
