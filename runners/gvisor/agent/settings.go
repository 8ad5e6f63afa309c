package main

import (
	"fmt"
	"strconv"
	"time"

	"gvisor.dev/gvisor/pkg/tcpip"
)

// optionOf is a setting of the whole stack, by the names of runner.yaml.
func optionOf(name, value string) (tcpip.SettableTransportProtocolOption, error) {
	switch name {
	case "sack":
		flag, err := strconv.ParseBool(value)
		option := tcpip.TCPSACKEnabled(flag)
		return &option, err
	case "congestion-control":
		option := tcpip.CongestionControlOption(value)
		return &option, nil
	case "syn-cookies":
		flag, err := strconv.ParseBool(value)
		option := tcpip.TCPAlwaysUseSynCookies(flag)
		return &option, err
	case "data-retries":
		number, err := strconv.ParseUint(value, 10, 32)
		option := tcpip.TCPMaxRetriesOption(number)
		return &option, err
	case "min-rto":
		time, err := time.ParseDuration(value)
		option := tcpip.TCPMinRTOOption(time)
		return &option, err
	case "fin-timeout":
		time, err := time.ParseDuration(value)
		option := tcpip.TCPLingerTimeoutOption(time)
		return &option, err
	case "rack":
		flag, err := strconv.ParseBool(value)
		option := tcpip.TCPRecovery(0)
		if flag {
			option = tcpip.TCPRACKLossDetection
		}
		return &option, err
	case "tw-reuse":
		flag, err := strconv.ParseBool(value)
		option := tcpip.TCPTimeWaitReuseDisabled
		if flag {
			option = tcpip.TCPTimeWaitReuseGlobal
		}
		return &option, err
	}
	return nil, fmt.Errorf("the setting %s=%s is not known", name, value)
}

// set changes an option of a socket, by its name on the line.
func set(endpoint tcpip.Endpoint, name, value string) error {
	options := endpoint.SocketOptions()
	switch name {
	case "nodelay", "keep-alive", "quick-ack":
		flag, err := strconv.ParseBool(value)
		if err != nil {
			return err
		}
		switch name {
		case "nodelay":
			options.SetDelayOption(!flag)
		case "keep-alive":
			options.SetKeepAlive(flag)
		case "quick-ack":
			options.SetQuickAck(flag)
		}
		return nil
	case "keep-alive-idle", "keep-alive-interval", "user-timeout", "linger":
		return setTime(endpoint, name, value)
	case "keep-alive-count", "send-buffer", "recv-buffer", "mss":
		number, err := strconv.ParseInt(value, 10, 32)
		if err != nil {
			return err
		}
		switch name {
		case "keep-alive-count":
			return wrap(endpoint.SetSockOptInt(tcpip.KeepaliveCountOption, int(number)))
		case "mss":
			return wrap(endpoint.SetSockOptInt(tcpip.MaxSegOption, int(number)))
		case "send-buffer":
			options.SetSendBufferSize(number, true)
		case "recv-buffer":
			options.SetReceiveBufferSize(number, true)
		}
		return nil
	}
	return unsupported("netstack has no such option")
}

func setTime(endpoint tcpip.Endpoint, name, value string) error {
	if name == "linger" && value == "false" {
		endpoint.SocketOptions().SetLinger(tcpip.LingerOption{})
		return nil
	}
	time, err := time.ParseDuration(value)
	if err != nil {
		return err
	}
	switch name {
	case "keep-alive-idle":
		option := tcpip.KeepaliveIdleOption(time)
		return wrap(endpoint.SetSockOpt(&option))
	case "keep-alive-interval":
		option := tcpip.KeepaliveIntervalOption(time)
		return wrap(endpoint.SetSockOpt(&option))
	case "user-timeout":
		option := tcpip.TCPUserTimeoutOption(time)
		return wrap(endpoint.SetSockOpt(&option))
	}
	if time > 0 {
		return unsupported("an endpoint of netstack does not wait in Close; that belongs to the socket around it")
	}
	endpoint.SocketOptions().SetLinger(tcpip.LingerOption{Enabled: true})
	return nil
}

// unsupported is what cannot be done at all.
type unsupported string

func (u unsupported) Error() string { return string(u) }

// wrap makes an error of Go's of one of netstack's, which may be none.
func wrap(err tcpip.Error) error {
	if err == nil {
		return nil
	}
	return failure{err}
}
